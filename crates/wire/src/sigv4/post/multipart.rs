use bytes::{Buf as _, Bytes};
use memchr::memmem;

use super::super::line::Line;
use super::disposition::Disposition;
use super::{File, Form, Refused};
use crate::limits::{BOUNDARY_BYTES, PART_HEAD_BYTES, POST_FIELDS_BYTES};

/// Takes the body of a form in any pieces and gives its fields, then its file.
pub struct Multipart {
    /// What is between two parts: a line end, two hyphens and the boundary.
    delimiter: Vec<u8>,
    /// How much of the delimiter the bytes so far end with.
    matched: usize,
    state: State,
    line: Line,
    /// Bytes of the fields, of their heads and of the boundaries.
    taken: usize,
    head: Head,
    form: Form,
    value: Vec<u8>,
}

/// What comes out.
#[derive(Debug, PartialEq, Eq)]
pub enum Part {
    /// The fields before the file. It comes once and first.
    Form(Form),
    /// The next bytes of the file, never none.
    File(Bytes),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// In the bytes of something, up to the next delimiter.
    Within(Within),
    /// In the line after a delimiter.
    AfterDelimiter(Within),
    /// In the head of a part.
    Head,
    /// After the last delimiter; what follows is ignored.
    Done(Within),
    Refused,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    /// Before the first delimiter.
    Preamble,
    Field,
    File,
    /// In what follows the file, which is ignored.
    Rest,
}

#[derive(Default)]
struct Head {
    disposition: Option<Disposition>,
    content_type: Option<String>,
}

impl Multipart {
    /// Begins with the request's `Content-Type`, which must be `multipart/form-data` with a boundary.
    pub fn of(content_type: Option<&str>) -> Result<Multipart, Refused> {
        let boundary = boundary(content_type.unwrap_or_default()).ok_or(Refused::NotAForm)?;
        Ok(Multipart {
            delimiter: [b"\r\n--", boundary.as_bytes()].concat(),
            // The first delimiter begins the body, so its line end is not there.
            matched: 2,
            state: State::Within(Within::Preamble),
            line: Line::default(),
            taken: 0,
            head: Head::default(),
            form: Form::default(),
            value: Vec::new(),
        })
    }

    /// Takes from `input` and gives the next part; `None` when it needs more input.
    ///
    /// What was refused once stays refused.
    pub fn decode(&mut self, input: &mut Bytes) -> Result<Option<Part>, Refused> {
        while !input.is_empty() {
            match self.step(input) {
                Ok(None) => {}
                Ok(part) => return Ok(part),
                Err(refused) => {
                    self.state = State::Refused;
                    return Err(refused);
                }
            }
        }
        Ok(None)
    }

    /// The end of the body. Refuses one without a file, and one that ended too early.
    pub fn end(self) -> Result<(), Refused> {
        match self.state {
            // Some clients leave out the last line end.
            State::Done(within) | State::AfterDelimiter(within)
                if self.state == State::Done(within) || self.line.is(b"--") =>
            {
                match within {
                    Within::File | Within::Rest => Ok(()),
                    Within::Preamble | Within::Field => Err(Refused::Files),
                }
            }
            _ => Err(Refused::Malformed),
        }
    }

    fn step(&mut self, input: &mut Bytes) -> Result<Option<Part>, Refused> {
        match self.state {
            State::Within(within) => self.within(within, input),
            State::AfterDelimiter(within) => {
                if let Some(line) = self.line(input)? {
                    self.state = match line.as_slice() {
                        b"--" => State::Done(within),
                        _ if !line.trim_ascii().is_empty() => return Err(Refused::Malformed),
                        _ if matches!(within, Within::File | Within::Rest) => State::Within(Within::Rest),
                        _ => State::Head,
                    };
                }
                Ok(None)
            }
            State::Head => {
                let Some(line) = self.line(input)? else { return Ok(None) };
                if line.is_empty() { self.begin_part() } else { self.header(&line).map(|()| None) }
            }
            State::Done(_) => {
                input.clear();
                Ok(None)
            }
            State::Refused => Err(Refused::Malformed),
        }
    }

    /// Takes bytes up to the next delimiter.
    fn within(&mut self, within: Within, input: &mut Bytes) -> Result<Option<Part>, Refused> {
        let data = self.next_data(input);
        if self.matched == self.delimiter.len() {
            self.matched = 0;
            self.state = State::AfterDelimiter(within);
        }
        let ended = matches!(self.state, State::AfterDelimiter(_));
        match within {
            Within::Preamble => self.count(data.len()).map(|()| None),
            Within::Rest => Ok(None),
            Within::File => Ok((!data.is_empty()).then_some(Part::File(data))),
            Within::Field => {
                self.count(data.len())?;
                self.value.extend_from_slice(&data);
                if ended {
                    self.end_field();
                }
                Ok(None)
            }
        }
    }

    /// The next bytes that are surely not of a delimiter, and moves on in the delimiter.
    fn next_data(&mut self, input: &mut Bytes) -> Bytes {
        if self.matched > 0 {
            let wanted = &self.delimiter[self.matched..];
            let same = wanted.iter().zip(input.iter()).take_while(|(one, other)| one == other).count();
            input.advance(same);
            if same == wanted.len() || input.is_empty() {
                self.matched += same;
                return Bytes::new();
            }
            // It was data after all. A delimiter begins with its only CR, so none began within it.
            let data = Bytes::copy_from_slice(&self.delimiter[..self.matched + same]);
            self.matched = 0;
            return data;
        }
        if let Some(at) = memmem::find(input, &self.delimiter) {
            let data = input.split_to(at);
            input.advance(self.delimiter.len());
            self.matched = self.delimiter.len();
            return data;
        }
        if let Some(at) = memchr::memrchr(b'\r', input)
            && self.delimiter.starts_with(&input[at..])
        {
            let data = input.split_to(at);
            self.matched = input.len();
            input.clear();
            return data;
        }
        input.split_to(input.len())
    }

    /// A line of a part's head, without its end.
    fn line(&mut self, input: &mut Bytes) -> Result<Option<Vec<u8>>, Refused> {
        let Some(mut line) = self.line.take(input, PART_HEAD_BYTES).map_err(|_| Refused::Malformed)? else {
            return Ok(None);
        };
        self.count(line.len() + 1)?;
        if line.last() == Some(&b'\r') {
            line.pop();
        }
        Ok(Some(line))
    }

    /// Everything but the file counts.
    fn count(&mut self, bytes: usize) -> Result<(), Refused> {
        self.taken += bytes;
        if self.taken > POST_FIELDS_BYTES { Err(Refused::FieldsTooLarge) } else { Ok(()) }
    }

    fn header(&mut self, line: &[u8]) -> Result<(), Refused> {
        let text = String::from_utf8_lossy(line);
        let (name, value) = text.split_once(':').ok_or(Refused::Malformed)?;
        if name.eq_ignore_ascii_case("content-disposition") {
            let disposition = Disposition::parse(value.trim()).ok_or(Refused::Malformed)?;
            self.head.disposition = Some(disposition);
        } else if name.eq_ignore_ascii_case("content-type") {
            self.head.content_type = Some(value.trim().to_owned());
        }
        Ok(())
    }

    fn begin_part(&mut self) -> Result<Option<Part>, Refused> {
        let Head { disposition, content_type } = std::mem::take(&mut self.head);
        let Disposition { name, filename } = disposition.ok_or(Refused::Malformed)?;
        if !name.eq_ignore_ascii_case("file") {
            self.form.fields.push((name, String::new()));
            self.state = State::Within(Within::Field);
            return Ok(None);
        }
        let mut form = std::mem::take(&mut self.form);
        form.file = File { name: filename.filter(|name| !name.is_empty()), content_type };
        form.expand();
        self.state = State::Within(Within::File);
        Ok(Some(Part::Form(form)))
    }

    fn end_field(&mut self) {
        let value = std::mem::take(&mut self.value);
        if let Some((_, field)) = self.form.fields.last_mut() {
            *field = String::from_utf8_lossy(&value).into_owned();
        }
    }
}

/// The boundary of `multipart/form-data; boundary=…`.
fn boundary(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let named = |parameter: &str| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"').to_owned())
    };
    let boundary = parameters.split(';').find_map(named)?;
    let fits = (1..=BOUNDARY_BYTES).contains(&boundary.len())
        && boundary.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    fits.then_some(boundary)
}
