//! What the processes say to each other: names and numbers, never a path or a descriptor to mount.
//!
//! Each message is one packet: version, kind, fields; integers little-endian, texts and lists behind a length. The decoder
//! trusts nobody, allocates no more than the packet's length and never panics.

use crate::{Command, KeepTmp, Pack, PackDigest, TreeDigest};

use crate::limits::LAYERS;

use super::limits::{NAME_BYTES, PACKS, REASON_BYTES, RUNTIMES_PER_PACK, SHARDS};

const VERSION: u8 = 1;

/// A message that breaks the protocol, with what was wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed message: {0}")]
pub(crate) struct Malformed(pub(crate) &'static str);

/// What the server asks of the warden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ToWarden {
    /// Requests are served from now on.
    Ready,
    /// Start a box; beside it the environment as a sealed memfd.
    Start { request: u32, order: Order },
    /// Kill and remove a box. A request of 0 wants no answer.
    Close { request: u32, slot: u32, keep: KeepTmp },
    /// A kept `/tmp` is no longer wanted.
    Release { tmp: u32 },
}

/// What the warden tells the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ToServer {
    /// The first message; beside it data folder, id map, lock, configuration, listeners.
    Hello(ServerHello),
    /// Drain and end.
    Drain,
    /// A box runs; beside it its descriptors.
    Started { request: u32, made: Made },
    /// No box was made.
    Refused { request: u32, why: Refusal },
    /// A box is gone; its `/tmp` is left if it was asked for.
    Closed { request: u32, tmp: Option<u32> },
    /// The packs that are installed.
    Packs(PackList),
}

/// What the warden asks of a maker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ToMaker {
    /// The first message; beside it data folder, lock.
    Hello(Instance),
    /// Make a blank slot and keep it.
    Blank { slot: u32 },
    /// Start a command in the slot, from its blank if there is one; beside it the environment.
    Start { slot: u32, order: Order },
    /// Remove a slot in which nothing runs any more, and its `/tmp` unless it is kept.
    Clear { slot: u32, tmp: Option<u32>, keep: KeepTmp },
    /// Remove a `/tmp` that was kept.
    Forget { tmp: u32 },
    /// Make the packs that the host can give, list all.
    Packs,
}

/// What a maker answers, one answer a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FromMaker {
    /// The blank is there.
    Blank { slot: u32, tmp: u32 },
    /// The command runs; beside it first the init's pidfd, then the box's descriptors.
    Started { made: Made, tmp: u32 },
    /// Neither blank nor box; the slot needs clearing.
    Failed { slot: u32, why: Refusal },
    /// Nothing of the slot is left but, if asked for, its `/tmp`.
    Cleared { slot: u32 },
    /// The slot could not be cleared.
    Stuck { slot: u32, why: String },
    /// The kept `/tmp` is removed, as far as it could be.
    Forgotten { tmp: u32 },
    /// The packs that are installed.
    Packs(PackList),
}

/// A box to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) pack: PackDigest,
    pub(crate) task: Option<TreeDigest>,
    pub(crate) layers: Vec<TreeDigest>,
    pub(crate) command: Command,
    pub(crate) memory_mb: u32,
    pub(crate) tmp_mb: u32,
    /// The kept `/tmp` that is taken over.
    pub(crate) tmp: Option<u32>,
}

/// A box that runs: what its descriptors are, see [`crate::cgroup::Parts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Made {
    pub(crate) slot: u32,
    pub(crate) present: u8,
    pub(crate) version_1: u8,
    pub(crate) memory_mb: u32,
}

/// Why no box was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    Full,
    Missing(String),
    Failed(String),
}

/// The constants of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// What tells this instance's cgroups and mounts from another's: hexadecimal digits.
    pub name: String,
    /// The data folder, canonical.
    pub data: std::path::PathBuf,
    /// The first id of the block.
    pub ids: u32,
    /// How many slots there are; they count from 0.
    pub slots: u32,
}

/// What a server is told at its start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerHello {
    /// User and group of the server.
    pub(crate) id: u32,
    /// The warden's process id.
    pub(crate) warden: u32,
    /// How many listening sockets are beside this message.
    pub(crate) listeners: u32,
    /// How many slots there are.
    pub(crate) slots: u32,
}

/// The packs as they travel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct PackList {
    pub(crate) preparing: bool,
    pub(crate) packs: Vec<Pack>,
}

/// A message that travels as one packet.
pub(crate) trait Message: Sized {
    fn write(&self, out: &mut Writer);
    fn read(kind: u8, from: &mut Reader<'_>) -> Result<Self, Malformed>;

    /// The packet's bytes.
    fn encode(&self) -> Vec<u8> {
        let mut out = Writer(vec![VERSION]);
        self.write(&mut out);
        out.0
    }

    /// Reads a packet; every byte must be accounted for.
    fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut from = Reader(bytes);
        if from.u8()? != VERSION {
            return Err(Malformed("version"));
        }
        let kind = from.u8()?;
        let message = Self::read(kind, &mut from)?;
        if from.0.is_empty() { Ok(message) } else { Err(Malformed("bytes left over")) }
    }
}

impl Message for ToWarden {
    fn write(&self, out: &mut Writer) {
        match self {
            ToWarden::Ready => out.u8(1),
            ToWarden::Start { request, order } => {
                out.u8(2);
                out.u32(*request);
                out.order(order);
            }
            ToWarden::Close { request, slot, keep } => {
                out.u8(3);
                out.u32(*request);
                out.u32(*slot);
                out.keep(*keep);
            }
            ToWarden::Release { tmp } => {
                out.u8(4);
                out.u32(*tmp);
            }
        }
    }

    fn read(kind: u8, from: &mut Reader<'_>) -> Result<ToWarden, Malformed> {
        Ok(match kind {
            1 => ToWarden::Ready,
            2 => ToWarden::Start { request: from.u32()?, order: from.order()? },
            3 => ToWarden::Close { request: from.u32()?, slot: from.u32()?, keep: from.keep()? },
            4 => ToWarden::Release { tmp: from.u32()? },
            _ => return Err(Malformed("kind")),
        })
    }
}

impl Message for ToServer {
    fn write(&self, out: &mut Writer) {
        match self {
            ToServer::Hello(hello) => {
                out.u8(1);
                out.u32(hello.id);
                out.u32(hello.warden);
                out.u32(hello.listeners);
                out.u32(hello.slots);
            }
            ToServer::Drain => out.u8(2),
            ToServer::Started { request, made } => {
                out.u8(3);
                out.u32(*request);
                out.made(*made);
            }
            ToServer::Refused { request, why } => {
                out.u8(4);
                out.u32(*request);
                out.refusal(why);
            }
            ToServer::Closed { request, tmp } => {
                out.u8(5);
                out.u32(*request);
                out.maybe(*tmp);
            }
            ToServer::Packs(list) => {
                out.u8(6);
                out.packs(list);
            }
        }
    }

    fn read(kind: u8, from: &mut Reader<'_>) -> Result<ToServer, Malformed> {
        Ok(match kind {
            1 => {
                let hello = ServerHello {
                    id: from.u32()?,
                    warden: from.u32()?,
                    listeners: from.u32()?,
                    slots: from.u32()?,
                };
                if hello.listeners as usize > SHARDS {
                    return Err(Malformed("listeners"));
                }
                ToServer::Hello(hello)
            }
            2 => ToServer::Drain,
            3 => ToServer::Started { request: from.u32()?, made: from.made()? },
            4 => ToServer::Refused { request: from.u32()?, why: from.refusal()? },
            5 => ToServer::Closed { request: from.u32()?, tmp: from.maybe()? },
            6 => ToServer::Packs(from.packs()?),
            _ => return Err(Malformed("kind")),
        })
    }
}

impl Message for ToMaker {
    fn write(&self, out: &mut Writer) {
        match self {
            ToMaker::Hello(instance) => {
                out.u8(1);
                out.text(&instance.name);
                out.text(&instance.data.to_string_lossy());
                out.u32(instance.ids);
                out.u32(instance.slots);
            }
            ToMaker::Blank { slot } => {
                out.u8(2);
                out.u32(*slot);
            }
            ToMaker::Start { slot, order } => {
                out.u8(3);
                out.u32(*slot);
                out.order(order);
            }
            ToMaker::Clear { slot, tmp, keep } => {
                out.u8(4);
                out.u32(*slot);
                out.maybe(*tmp);
                out.keep(*keep);
            }
            ToMaker::Forget { tmp } => {
                out.u8(5);
                out.u32(*tmp);
            }
            ToMaker::Packs => out.u8(6),
        }
    }

    fn read(kind: u8, from: &mut Reader<'_>) -> Result<ToMaker, Malformed> {
        Ok(match kind {
            1 => ToMaker::Hello(Instance {
                name: from.text(NAME_BYTES)?,
                data: from.text(4096)?.into(),
                ids: from.u32()?,
                slots: from.u32()?,
            }),
            2 => ToMaker::Blank { slot: from.u32()? },
            3 => ToMaker::Start { slot: from.u32()?, order: from.order()? },
            4 => ToMaker::Clear { slot: from.u32()?, tmp: from.maybe()?, keep: from.keep()? },
            5 => ToMaker::Forget { tmp: from.u32()? },
            6 => ToMaker::Packs,
            _ => return Err(Malformed("kind")),
        })
    }
}

impl Message for FromMaker {
    fn write(&self, out: &mut Writer) {
        match self {
            FromMaker::Blank { slot, tmp } => {
                out.u8(1);
                out.u32(*slot);
                out.u32(*tmp);
            }
            FromMaker::Started { made, tmp } => {
                out.u8(2);
                out.made(*made);
                out.u32(*tmp);
            }
            FromMaker::Failed { slot, why } => {
                out.u8(3);
                out.u32(*slot);
                out.refusal(why);
            }
            FromMaker::Cleared { slot } => {
                out.u8(4);
                out.u32(*slot);
            }
            FromMaker::Stuck { slot, why } => {
                out.u8(5);
                out.u32(*slot);
                out.reason(why);
            }
            FromMaker::Forgotten { tmp } => {
                out.u8(6);
                out.u32(*tmp);
            }
            FromMaker::Packs(list) => {
                out.u8(7);
                out.packs(list);
            }
        }
    }

    fn read(kind: u8, from: &mut Reader<'_>) -> Result<FromMaker, Malformed> {
        Ok(match kind {
            1 => FromMaker::Blank { slot: from.u32()?, tmp: from.u32()? },
            2 => FromMaker::Started { made: from.made()?, tmp: from.u32()? },
            3 => FromMaker::Failed { slot: from.u32()?, why: from.refusal()? },
            4 => FromMaker::Cleared { slot: from.u32()? },
            5 => FromMaker::Stuck { slot: from.u32()?, why: from.text(REASON_BYTES)? },
            6 => FromMaker::Forgotten { tmp: from.u32()? },
            7 => FromMaker::Packs(from.packs()?),
            _ => return Err(Malformed("kind")),
        })
    }
}

/// Appends fields.
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    fn u32(&mut self, value: u32) {
        self.0.extend(value.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        // A longer text could not be read back; every text of ours is bounded where it is made.
        let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
        self.0.extend(length.to_le_bytes());
        self.0.extend(&text.as_bytes()[..usize::from(length)]);
    }

    /// A text for people, cut to its limit.
    fn reason(&mut self, text: &str) {
        let mut end = text.len().min(REASON_BYTES);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        self.text(&text[..end]);
    }

    fn keep(&mut self, keep: KeepTmp) {
        self.u8(match keep {
            KeepTmp::No => 0,
            KeepTmp::Yes => 1,
        });
    }

    fn order(&mut self, order: &Order) {
        self.0.extend(order.pack.0);
        self.u8(u8::from(order.task.is_some()));
        self.0.extend(order.task.iter().flat_map(|task| task.0));
        self.u8(u8::try_from(order.layers.len()).unwrap_or(u8::MAX));
        self.0.extend(order.layers.iter().flat_map(|layer| layer.0));
        self.u8(match order.command {
            Command::Runtime => 1,
            Command::Custom => 2,
        });
        self.u32(order.memory_mb);
        self.u32(order.tmp_mb);
        self.maybe(order.tmp);
    }

    fn maybe(&mut self, number: Option<u32>) {
        self.u8(u8::from(number.is_some()));
        self.0.extend(number.iter().flat_map(|number| number.to_le_bytes()));
    }

    fn made(&mut self, made: Made) {
        self.u32(made.slot);
        self.u8(made.present);
        self.u8(made.version_1);
        self.u32(made.memory_mb);
    }

    fn refusal(&mut self, why: &Refusal) {
        match why {
            Refusal::Full => self.u8(1),
            Refusal::Missing(what) => {
                self.u8(2);
                self.reason(what);
            }
            Refusal::Failed(why) => {
                self.u8(3);
                self.reason(why);
            }
        }
    }

    fn packs(&mut self, list: &PackList) {
        self.u8(u8::from(list.preparing));
        self.u8(u8::try_from(list.packs.len().min(PACKS)).unwrap_or(0));
        for pack in list.packs.iter().take(PACKS) {
            self.0.extend(pack.digest.0);
            self.text(&pack.version);
            self.u8(u8::try_from(pack.runtimes.len().min(RUNTIMES_PER_PACK)).unwrap_or(0));
            pack.runtimes.iter().take(RUNTIMES_PER_PACK).for_each(|name| self.text(name));
        }
    }
}

/// Takes fields from the front.
pub(crate) struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (array, rest) = self.0.split_first_chunk().ok_or(Malformed("too short"))?;
        self.0 = rest;
        Ok(*array)
    }

    fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(self.array::<1>()?[0])
    }

    fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn count(&mut self, limit: usize) -> Result<usize, Malformed> {
        let count = usize::from(self.u8()?);
        if count > limit { Err(Malformed("too many")) } else { Ok(count) }
    }

    fn flag(&mut self) -> Result<bool, Malformed> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed("flag")),
        }
    }

    fn text(&mut self, limit: usize) -> Result<String, Malformed> {
        let length = usize::from(u16::from_le_bytes(self.array()?));
        if length > limit || length > self.0.len() {
            return Err(Malformed("length of a text"));
        }
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        Ok(std::str::from_utf8(text).map_err(|_| Malformed("text"))?.to_owned())
    }

    fn keep(&mut self) -> Result<KeepTmp, Malformed> {
        Ok(if self.flag()? { KeepTmp::Yes } else { KeepTmp::No })
    }

    fn order(&mut self) -> Result<Order, Malformed> {
        let pack = PackDigest(self.array()?);
        let task = if self.flag()? { Some(TreeDigest(self.array()?)) } else { None };
        let layers = self.count(LAYERS)?;
        let layers =
            (0..layers).map(|_| Ok(TreeDigest(self.array()?))).collect::<Result<Vec<_>, Malformed>>()?;
        let command = match self.u8()? {
            1 => Command::Runtime,
            2 => Command::Custom,
            _ => return Err(Malformed("command")),
        };
        let (memory_mb, tmp_mb, tmp) = (self.u32()?, self.u32()?, self.maybe()?);
        Ok(Order { pack, task, layers, command, memory_mb, tmp_mb, tmp })
    }

    fn maybe(&mut self) -> Result<Option<u32>, Malformed> {
        Ok(if self.flag()? { Some(self.u32()?) } else { None })
    }

    fn made(&mut self) -> Result<Made, Malformed> {
        Ok(Made { slot: self.u32()?, present: self.u8()?, version_1: self.u8()?, memory_mb: self.u32()? })
    }

    fn refusal(&mut self) -> Result<Refusal, Malformed> {
        Ok(match self.u8()? {
            1 => Refusal::Full,
            2 => Refusal::Missing(self.text(REASON_BYTES)?),
            3 => Refusal::Failed(self.text(REASON_BYTES)?),
            _ => return Err(Malformed("refusal")),
        })
    }

    fn packs(&mut self) -> Result<PackList, Malformed> {
        let preparing = self.flag()?;
        let mut packs = Vec::new();
        for _ in 0..self.count(PACKS)? {
            let digest = PackDigest(self.array()?);
            let version = self.text(NAME_BYTES)?;
            let runtimes = self.count(RUNTIMES_PER_PACK)?;
            let runtimes = (0..runtimes).map(|_| self.text(NAME_BYTES)).collect::<Result<_, _>>()?;
            packs.push(Pack { digest, runtimes, version });
        }
        Ok(PackList { preparing, packs })
    }
}
