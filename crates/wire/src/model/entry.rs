//! What recognises a service without its model. The build writes the index; a model is inflated and parsed when it is first asked for.

use std::io::Read as _;
use std::sync::OnceLock;

use flate2::read::DeflateDecoder;

use super::{Model, Protocol};

/// A service in the index.
pub(crate) struct Entry {
    /// Its name in `models/`.
    pub(crate) name: &'static str,
    /// What names it in AWS's hosts, e.g. `streams.dynamodb`.
    pub(crate) endpoint_prefix: &'static str,
    /// What `X-Amz-Target` and the paths of rpcv2Cbor name; empty for services without.
    pub(crate) target_prefix: &'static str,
    /// The version of the API.
    pub(crate) api_version: &'static str,
    /// What it speaks, the preferred protocol first.
    pub(crate) protocols: &'static [Protocol],
    /// The first segments of a REST service's paths, sorted; labels are left out.
    heads: &'static [&'static str],
    bytes: &'static [u8],
    /// The size of the inflated model.
    inflated_bytes: usize,
    // Boxed: the index is searched, the models are not.
    model: OnceLock<Box<Model>>,
}

/// What an embedded model costs.
#[derive(Debug, Clone, Copy)]
pub struct Weight {
    /// The service's name in `models/`.
    pub name: &'static str,
    /// What the binary holds.
    pub compressed_bytes: usize,
    /// The text that is parsed when the service is first asked for.
    pub inflated_bytes: usize,
}

/// Some services of the index.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Services(&'static [usize]);

impl Services {
    fn named(table: &[(&str, &'static [usize])], name: &str) -> Services {
        let at = table.binary_search_by(|(key, _)| (*key).cmp(name));
        Services(at.map_or(&[], |at| table[at].1))
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = &'static Entry> {
        self.0.iter().map(|place| &INDEX[*place])
    }
}

include!(concat!(env!("OUT_DIR"), "/index.rs"));

impl Entry {
    /// All services, in order of name.
    pub(crate) fn all() -> &'static [Entry] {
        &INDEX
    }

    /// The services with this signing name.
    pub(crate) fn signed_as(signing_name: &str) -> Services {
        Services::named(&SIGNED, signing_name)
    }

    /// The services with this endpoint prefix.
    pub(crate) fn hosted_at(endpoint_prefix: &str) -> Services {
        Services::named(&HOSTED, endpoint_prefix)
    }

    /// True when method and path choose the operation.
    pub(crate) fn is_rest(&self) -> bool {
        self.protocols.first().is_some_and(|protocol| protocol.is_rest())
    }

    /// True when the service speaks the protocol.
    pub(crate) fn speaks(&self, protocol: Protocol) -> bool {
        self.protocols.contains(&protocol)
    }

    /// True when a REST service has paths that begin with this segment.
    pub(crate) fn has_head(&self, segment: &str) -> bool {
        self.heads.binary_search(&segment).is_ok()
    }

    pub(super) fn weight(&self) -> Weight {
        Weight { name: self.name, compressed_bytes: self.bytes.len(), inflated_bytes: self.inflated_bytes }
    }

    /// The model, parsed by the first caller.
    pub(crate) fn model(&'static self) -> &'static Model {
        self.model.get_or_init(|| {
            let mut json = Vec::with_capacity(self.inflated_bytes);
            DeflateDecoder::new(self.bytes).read_to_end(&mut json).expect("the build deflated it");
            Box::new(Model::parse(self.name, &json).expect("a test parses every model"))
        })
    }
}
