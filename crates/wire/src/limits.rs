//! The bounds of every parser here.

/// The deepest nesting of a JSON document, a form or an XML answer.
pub const DEPTH: usize = 64;

/// The most parameters of a query string or form. AWS's largest batch has ten entries of some tens of parameters each;
/// PutMetricData in query form has some thousands.
pub const PARAMETERS: usize = 20_000;

/// The most headers that are looked at.
pub const HEADERS: usize = 200;

/// The most elements of all lists and maps of one request.
pub const ELEMENTS: usize = 1_000_000;

/// The most violated constraints that one message names.
pub const VIOLATIONS: usize = 10;

/// The longest value that a validation message repeats, in bytes; what is longer is cut with an ellipsis.
pub const SHOWN_VALUE: usize = 1024;

/// The largest answer that the client side parses, in bytes.
pub const ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// The most bytes that a compressed request body may hold.
pub const INFLATED_BYTES: u64 = 16 * 1024 * 1024;

/// The most elements of one XML document.
pub const XML_ELEMENTS: usize = 200_000;

/// The most attributes of one XML element.
pub const XML_ATTRIBUTES: usize = 32;

/// The largest message of an event stream, in bytes; AWS's clients take no larger one.
pub const FRAME_BYTES: usize = 16 * 1024 * 1024;

/// The most bytes of the headers of such a message.
pub const FRAME_HEADER_BYTES: usize = 128 * 1024;

/// The line before a chunk's data in a framed body: a size and a signature are 97 bytes.
pub const CHUNK_HEAD_BYTES: usize = 256;

/// A signed chunk of a framed body, which is held until it is verified. SDKs send 64 or 128 KiB; some tools up to this.
pub const SIGNED_CHUNK_BYTES: u64 = 16 * 1024 * 1024;

/// S3's smallest chunk, the last one excepted.
pub const SMALLEST_CHUNK_BYTES: u64 = 8192;

/// Pieces of a held chunk that are smaller are copied together.
pub const HELD_PIECE_BYTES: usize = 8192;

/// All lines of a trailer.
pub const TRAILER_BYTES: usize = 4096;

/// The most lines of a trailer, its signature excepted.
pub const TRAILERS: usize = 8;

/// The fields of a posted form, their heads and boundaries; S3's limit.
pub const POST_FIELDS_BYTES: usize = 20 * 1024;

/// One line of the head of a form's part.
pub const PART_HEAD_BYTES: usize = 4096;

/// The longest boundary of a form (RFC 2046 has 70).
pub const BOUNDARY_BYTES: usize = 256;
