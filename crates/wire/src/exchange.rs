//! The bytes of a request whose operation is known, and of its answer.

use std::io::Read as _;

use aws::Fault;
use bytes::Bytes;
use flate2::read::GzDecoder;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

use crate::codec::{Wire, events, form, json, payload, rest, xml};
use crate::fault::{self, Form, content_type};
use crate::identify::Identified;
use crate::limits;
use crate::malformed::Malformed;
use crate::model::Structure;
use crate::{Body, Model, Protocol, Request, Response, Value, eventstream, names, validate};

impl Identified {
    /// An operation by its name, for those who have no request, in the service's preferred protocol.
    pub fn named(service: &'static Model, operation: &str) -> Option<Identified> {
        let protocol = *service.protocols().first()?;
        Some(Identified { service, operation: service.operation(operation)?, protocol, form: Form::Xml })
    }

    /// True when the input is a stream of bytes or events: the body is then not read but handed on as [`Body::Stream`].
    pub fn streams_input(&self) -> bool {
        self.service.streams_input(self.operation)
    }

    fn wire(&self) -> Wire {
        Wire { model: self.service, protocol: self.protocol }
    }

    /// Reads the input. Members that are absent stay absent; [`Identified::validate`] looks for those that must not.
    ///
    /// # Errors
    /// The fault of a body or parameter that is not of its shape.
    pub fn decode(&self, request: &Request<'_>) -> Result<Value, Fault> {
        self.read(request).map_err(|malformed| malformed.into_fault(self.protocol))
    }

    fn read(&self, request: &Request<'_>) -> Result<Value, Malformed> {
        let Some(shape) = self.operation.input else { return Ok(Value::Structure(Vec::new())) };
        let model = self.service;
        match self.protocol {
            Protocol::RestJson | Protocol::RestXml => self.read_rest(request, model.structure(shape)),
            Protocol::Json10 | Protocol::Json11 | Protocol::Cbor => match model.structure(shape).events() {
                Some(member) => {
                    let events = events::read(self.wire(), member.shape, request.body.stream());
                    Ok(Value::Structure(vec![(member.name.as_str().into(), Value::Events(events))]))
                }
                None => self.wire().read_document(shape, &inflated(request)?),
            },
            Protocol::Query => form::read(model, shape, request.query, &inflated(request)?),
        }
    }

    fn read_rest(&self, request: &Request<'_>, structure: &'static Structure) -> Result<Value, Malformed> {
        let Some(shape) = self.operation.input else { return Ok(Value::Structure(Vec::new())) };
        let model = self.service;
        let mut members = Vec::with_capacity(8);
        rest::read_labels(model, self.operation, structure, request.path, &mut members)?;
        rest::read_query(model, structure, request.query.unwrap_or_default(), &mut members)?;
        rest::read_headers(model, structure, request.headers, &mut members)?;
        // A payload is the caller's bytes, whatever their encoding.
        let read = if structure.payload.is_some() {
            self.wire().read_body(shape, &self.operation.input_root, &request.body, &mut members)
        } else {
            let body = Body::Whole(inflated(request)?);
            self.wire().read_body(shape, &self.operation.input_root, &body, &mut members)
        };
        match read {
            Ok(()) => Ok(Value::Structure(members)),
            // To services that speak XML every document that is not of its shape is malformed.
            Err(_) if self.protocol == Protocol::RestXml => Err(Malformed::Syntax),
            Err(malformed) => Err(malformed),
        }
    }

    /// Checks the input against the model's constraints.
    ///
    /// # Errors
    /// One fault that names every violated constraint, in AWS's words.
    pub fn validate(&self, input: &Value) -> Result<(), Fault> {
        match self.operation.input {
            Some(shape) => validate::check(self.service, shape, input),
            None => Ok(()),
        }
    }

    /// Writes the output.
    pub fn encode(&self, output: Value, request_id: &str) -> Response {
        let mut headers = HeaderMap::new();
        fault::set_request_id(&mut headers, self.protocol, Some(self.service), request_id);
        match self.protocol {
            Protocol::RestJson | Protocol::RestXml => self.encode_rest(output, headers),
            Protocol::Json10 | Protocol::Json11 | Protocol::Cbor => self.encode_rpc(output, headers),
            Protocol::Query => {
                let (media_type, body) = match self.form {
                    Form::Xml => (
                        "text/xml",
                        xml::answer(self.service, self.operation, &output, request_id).into_bytes(),
                    ),
                    Form::Json => ("application/json", self.query_json(&output, request_id)),
                };
                rest::set(&mut headers, CONTENT_TYPE, media_type);
                Response { status: 200, headers, body: body.into() }
            }
        }
    }

    fn encode_rest(&self, output: Value, mut headers: HeaderMap) -> Response {
        let mut status = self.operation.status;
        let mut body = None;
        let mut media_type = payload::document_type(self.protocol);
        if let Some(shape) = self.operation.output {
            let structure = self.service.structure(shape);
            status = rest::write_headers(self.service, structure, &output, &mut headers).unwrap_or(status);
            body = self.wire().write_body(shape, &self.operation.output_root, output);
            if self.protocol == Protocol::RestXml || structure.events.is_some() {
                media_type = payload::media_type(self.service, self.protocol, structure);
            }
        }
        let has_no_body = matches!(status, 204 | 304) || self.operation.method == "HEAD";
        let body = body.filter(|_| !has_no_body);
        // AWS's restJson services name the type of an empty body too.
        let has_type = if self.protocol == Protocol::RestJson { status != 204 } else { body.is_some() };
        // Headers of the model may have set the type of a payload.
        if has_type && !headers.contains_key(CONTENT_TYPE) {
            rest::set(&mut headers, CONTENT_TYPE, media_type);
        }
        Response { status, headers, body: body.unwrap_or_default() }
    }

    fn encode_rpc(&self, mut output: Value, mut headers: HeaderMap) -> Response {
        let wire = self.wire();
        if self.protocol == Protocol::Cbor {
            rest::set(&mut headers, names::PROTOCOL, "rpc-v2-cbor");
        }
        let own = content_type(self.protocol);
        let (media_type, body) = match self.operation.output {
            None if self.protocol == Protocol::Cbor => {
                return Response { status: 200, headers, body: Body::default() };
            }
            None => (own, Body::from(Bytes::from_static(b"{}"))),
            Some(shape) => match self.service.structure(shape).events() {
                None => (own, wire.document(shape, &self.operation.output_root, &output).into()),
                Some(member) => {
                    let Value::Events(coming) = output.take(&member.name) else {
                        return Response { status: 200, headers, body: Body::default() };
                    };
                    let initial = events::initial(wire, shape, &output, own);
                    let body = events::write(wire, member.shape, coming, Some(initial));
                    (eventstream::MEDIA_TYPE, body.into())
                }
            },
        };
        rest::set(&mut headers, CONTENT_TYPE, media_type);
        Response { status: 200, headers, body }
    }

    fn query_json(&self, output: &Value, request_id: &str) -> Vec<u8> {
        let name = &self.operation.name;
        let mut out = format!("{{\"{name}Response\":{{").into_bytes();
        if let Some(shape) = self.operation.output {
            out.extend_from_slice(format!("\"{name}Result\":").as_bytes());
            json::write(&mut out, self.service, shape, None, output);
            out.push(b',');
        }
        out.extend_from_slice(b"\"ResponseMetadata\":{\"RequestId\":");
        json::string(&mut out, request_id);
        out.extend_from_slice(b"}}}");
        out
    }

    /// Writes a fault.
    pub fn encode_fault(&self, fault: &Fault, request_id: &str) -> Response {
        let mut response = fault::encode(self.protocol, Some(self.service), fault, request_id, self.form);
        if self.operation.method == "HEAD" || fault.status == 304 {
            response.body = Body::default();
        }
        response
    }
}

/// The body without the compression that clients apply to large requests.
fn inflated(request: &Request<'_>) -> Result<Bytes, Malformed> {
    let body = payload::whole(&request.body)?;
    if request.header(CONTENT_ENCODING) != Some("gzip") {
        return Ok(body.clone());
    }
    let mut inflated = Vec::new();
    let limit = limits::INFLATED_BYTES;
    let read = GzDecoder::new(&body[..]).take(limit + 1).read_to_end(&mut inflated);
    if read.is_err() || inflated.len() as u64 > limit {
        Err(Malformed::Syntax)
    } else {
        Ok(Bytes::from(inflated))
    }
}
