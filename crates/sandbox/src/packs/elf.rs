//! What a dynamic ELF file needs. Pure, and careful: every offset comes from the file.

/// The dynamic section of a program or library.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Dynamic {
    /// The machine it is for.
    pub machine: u16,
    /// The loader, for a program.
    pub interpreter: Option<String>,
    /// Names of libraries.
    pub needed: Vec<String>,
    /// Directories to search first; may begin with `$ORIGIN`.
    pub search: Vec<String>,
}

const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;
const DT_NEEDED: u64 = 1;
const DT_STRTAB: u64 = 5;
const DT_RPATH: u64 = 15;
const DT_RUNPATH: u64 = 29;

/// Segments and libraries beyond these are not looked at.
const MOST: usize = 512;

struct Segment {
    kind: u32,
    offset: u64,
    address: u64,
    size: u64,
}

/// Reads a 64-bit little-endian ELF file; nothing if it is none.
pub(super) fn read(file: &[u8]) -> Option<Dynamic> {
    // Magic, 64 bits, little-endian.
    if !file.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let segments = segments(file)?;
    let mut dynamic = Dynamic { machine: number(file, 18, 2)? as u16, ..Dynamic::default() };
    let content =
        |segment: &Segment| file.get(usize::try_from(segment.offset).ok()?..)?.get(..segment.size as usize);
    if let Some(segment) = segments.iter().find(|segment| segment.kind == PT_INTERP) {
        dynamic.interpreter = text(content(segment)?, 0);
    }
    let Some(section) = segments.iter().find(|segment| segment.kind == PT_DYNAMIC).and_then(content) else {
        return Some(dynamic);
    };
    let entries = section.chunks_exact(16).map(|entry| (number(entry, 0, 8), number(entry, 8, 8)));
    let entries: Vec<(u64, u64)> =
        entries.map_while(|(tag, value)| Some((tag.filter(|tag| *tag != 0)?, value?))).take(MOST).collect();
    let Some((_, table)) = entries.iter().find(|(tag, _)| *tag == DT_STRTAB) else { return Some(dynamic) };
    let strings = file.get(usize::try_from(offset_of(&segments, *table)?).ok()?..)?;
    for (tag, value) in &entries {
        let string = || text(strings, usize::try_from(*value).ok()?);
        match *tag {
            DT_NEEDED => dynamic.needed.extend(string()),
            DT_RPATH | DT_RUNPATH => {
                dynamic.search.extend(string().iter().flat_map(|list| list.split(':')).map(str::to_owned))
            }
            _ => {}
        }
    }
    Some(dynamic)
}

fn segments(file: &[u8]) -> Option<Vec<Segment>> {
    let start = usize::try_from(number(file, 32, 8)?).ok()?;
    let (size, count) = (number(file, 54, 2)? as usize, number(file, 56, 2)? as usize);
    let mut segments = Vec::new();
    for at in 0..count.min(MOST) {
        let header = file.get(start.checked_add(at * size)?..)?;
        segments.push(Segment {
            kind: number(header, 0, 4)? as u32,
            offset: number(header, 8, 8)?,
            address: number(header, 16, 8)?,
            size: number(header, 32, 8)?,
        });
    }
    Some(segments)
}

/// Where in the file an address is.
fn offset_of(segments: &[Segment], address: u64) -> Option<u64> {
    let inside = |segment: &&Segment| {
        segment.kind == PT_LOAD
            && address.checked_sub(segment.address).is_some_and(|within| within < segment.size)
    };
    let segment = segments.iter().find(inside)?;
    segment.offset.checked_add(address - segment.address)
}

fn number(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let bytes = bytes.get(at..at.checked_add(width)?)?;
    Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn text(bytes: &[u8], at: usize) -> Option<String> {
    let bytes = bytes.get(at..)?;
    let end = bytes.iter().take(4096).position(|byte| *byte == 0)?;
    String::from_utf8(bytes[..end].to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_names_its_loader_and_libraries() {
        let this = std::fs::read("/proc/self/exe").expect("this test");
        let dynamic = read(&this).expect("an ELF file");
        assert!(dynamic.interpreter.expect("a loader").contains("/ld-linux"));
        assert!(dynamic.needed.iter().any(|name| name == "libc.so.6"), "{:?}", dynamic.needed);
    }

    #[test]
    fn scripts_and_broken_files_are_refused_or_empty() {
        assert_eq!(read(b"#!/bin/sh\n"), None);
        assert_eq!(read(b""), None);
        let this = std::fs::read("/proc/self/exe").expect("this test");
        // Whatever is cut off or overwritten, reading ends without a panic.
        for length in (0..this.len().min(8_192)).step_by(7) {
            let _ = read(&this[..length]);
        }
        for at in 16..512 {
            let mut broken = this[..this.len().min(1 << 16)].to_vec();
            broken[at] = 0xff;
            let _ = read(&broken);
        }
    }
}
