use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::Stretch;
use crate::limits::{NOTE_BYTES, SEGMENT_BYTES_MIN, SEGMENTS, SEGMENTS_MAX};
use crate::{Broken, Result};

/// Length and checksum before each record, little-endian. The checksum covers the position too.
const FRAME: usize = 8;

/// Positions between two starts of the store: more than 100 ms can write, so that lost positions are not used again.
const BOOT_STEP: u64 = 1 << 32;

/// A journal as files: `journal/NAME/POSITION.log`, each named by the position where it begins.
pub(super) struct Segments {
    path: PathBuf,
    keep_bytes: u64,
    /// Oldest first. The last one is written to, if `current` is there.
    list: VecDeque<Segment>,
    current: Option<Arc<File>>,
    end: u64,
    dirty: Dirty,
}

#[derive(Clone, Copy)]
struct Segment {
    start: u64,
    bytes: u64,
}

/// What must be synced to make a journal durable.
#[derive(Default)]
pub(super) struct Dirty {
    pub(super) files: Vec<Arc<File>>,
    pub(super) folder: Option<PathBuf>,
}

fn name(folder: &Path, start: u64) -> PathBuf {
    folder.join(format!("{start:020}.log"))
}

impl Segments {
    pub(super) fn open(path: PathBuf, keep_bytes: u64) -> Result<Segments> {
        let mut list = Vec::new();
        let failed = |error| Broken::file(format!("read {}", path.display()), &error);
        for entry in fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let start = entry.file_name().to_str().and_then(|name| name.strip_suffix(".log")?.parse().ok());
            if let Some(start) = start {
                list.push(Segment { start, bytes: entry.metadata().map_err(failed)?.len() });
            }
        }
        list.sort_by_key(|segment| segment.start);
        let last = list.last().map_or(0, |segment| segment.start + segment.bytes);
        let end = (last / BOOT_STEP + 1) * BOOT_STEP;
        Ok(Segments { path, keep_bytes, list: list.into(), current: None, end, dirty: Dirty::default() })
    }

    pub(super) fn end(&self) -> u64 {
        self.end
    }

    pub(super) fn note(&mut self, record: &[u8]) -> Result<u64> {
        let failed = |error| Broken::file("write a journal", &error);
        let file = self.current(record.len()).map_err(failed)?;
        let position = self.end;
        let mut framed = Vec::with_capacity(FRAME + record.len());
        framed.extend((record.len() as u32).to_le_bytes());
        framed.extend(checksum(position, record).to_le_bytes());
        framed.extend(record);
        if let Err(error) = (&*file).write_all(&framed) {
            // Half a record may be in the file. The next one begins a new segment, behind it.
            self.current = None;
            self.end += framed.len() as u64;
            return Err(failed(error));
        }
        self.end += framed.len() as u64;
        if let Some(last) = self.list.back_mut() {
            last.bytes += framed.len() as u64;
        }
        if self.dirty.files.last().is_none_or(|last| !Arc::ptr_eq(last, &file)) {
            self.dirty.files.push(file);
        }
        Ok(position)
    }

    /// The file for a record, a new one when the last is full.
    fn current(&mut self, record: usize) -> io::Result<Arc<File>> {
        let full = (self.keep_bytes / SEGMENTS).max(SEGMENT_BYTES_MIN);
        if let (Some(file), Some(last)) = (&self.current, self.list.back())
            && (last.bytes == 0 || last.bytes + record as u64 <= full)
        {
            return Ok(file.clone());
        }
        let path = name(&self.path, self.end);
        let file = Arc::new(OpenOptions::new().append(true).create_new(true).open(path)?);
        self.list.push_back(Segment { start: self.end, bytes: 0 });
        self.current = Some(file.clone());
        self.dirty.folder = Some(self.path.clone());
        self.drop_oldest();
        Ok(file)
    }

    fn drop_oldest(&mut self) {
        let mut kept: u64 = self.list.iter().map(|segment| segment.bytes).sum();
        while (kept > self.keep_bytes || self.list.len() > SEGMENTS_MAX) && self.list.len() > 1 {
            let Some(oldest) = self.list.pop_front() else { return };
            kept -= oldest.bytes;
            Dropped(vec![name(&self.path, oldest.start)]).remove();
        }
    }

    /// Takes the segments that end before `position` off the list.
    pub(super) fn take_before(&mut self, position: u64) -> Dropped {
        let mut paths = Vec::new();
        while let Some(next) = self.list.get(1)
            && next.start <= position
        {
            paths.extend(self.list.pop_front().map(|oldest| name(&self.path, oldest.start)));
        }
        Dropped(paths)
    }

    pub(super) fn take_dirty(&mut self) -> Dirty {
        std::mem::take(&mut self.dirty)
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot { path: self.path.clone(), list: self.list.iter().copied().collect(), end: self.end }
    }
}

/// Segments that are no longer part of the journal.
pub(super) struct Dropped(Vec<PathBuf>);

impl Dropped {
    /// Removes their files.
    pub(super) fn remove(self) {
        for path in self.0 {
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!(%error, path = %path.display(), "drop a journal segment");
            }
        }
    }
}

fn checksum(position: u64, record: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&position.to_le_bytes()), record)
}

/// The segments at one moment.
pub(super) struct Snapshot {
    path: PathBuf,
    list: Vec<Segment>,
    end: u64,
}

impl Snapshot {
    pub(super) fn read(&self, from: u64, max_bytes: usize) -> Result<Stretch> {
        let mut stretch = Stretch { records: Vec::new(), next: from };
        let mut left = max_bytes;
        for segment in &self.list {
            if segment.start + segment.bytes <= stretch.next {
                continue;
            }
            stretch.next = stretch.next.max(segment.start);
            let file = match File::open(name(&self.path, segment.start)) {
                Ok(file) => file,
                // Dropped since the snapshot.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(Broken::file("open a journal", &error)),
            };
            if let Full::Yes = segment.read(&file, &mut stretch, &mut left)? {
                return Ok(stretch);
            }
        }
        // Nothing is left before the end: what was lost or torn is behind the reader now.
        stretch.next = stretch.next.max(self.end);
        Ok(stretch)
    }
}

enum Full {
    Yes,
    No,
}

impl Segment {
    /// Reads records until the segment or `left` ends. A torn or rotten record ends the segment.
    fn read(&self, file: &File, stretch: &mut Stretch, left: &mut usize) -> Result<Full> {
        let end = self.start + self.bytes;
        while stretch.next + FRAME as u64 <= end {
            let mut frame = [0; FRAME];
            let at = stretch.next - self.start;
            file.read_exact_at(&mut frame, at).map_err(|error| Broken::file("read a journal", &error))?;
            let [a, b, c, d, e, f, g, h] = frame;
            let (length, sum) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
            let next = stretch.next + FRAME as u64 + u64::from(length);
            if length as usize > NOTE_BYTES || next > end {
                break;
            }
            if length as usize > *left && !stretch.records.is_empty() {
                return Ok(Full::Yes);
            }
            let mut record = vec![0; length as usize];
            let read = file.read_exact_at(&mut record, at + FRAME as u64);
            read.map_err(|error| Broken::file("read a journal", &error))?;
            if checksum(stretch.next, &record) != sum {
                break;
            }
            *left = left.saturating_sub(record.len() + FRAME);
            stretch.records.push((stretch.next, Bytes::from(record)));
            stretch.next = next;
        }
        Ok(Full::No)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(path: &Path, keep_bytes: u64) -> Segments {
        Segments::open(path.to_owned(), keep_bytes).unwrap()
    }

    fn all(segments: &Segments) -> Vec<Vec<u8>> {
        let (mut found, mut from) = (Vec::new(), 0);
        loop {
            let stretch = segments.snapshot().read(from, 100).unwrap();
            if stretch.records.is_empty() {
                return found;
            }
            found.extend(stretch.records.into_iter().map(|(_, record)| record.to_vec()));
            from = stretch.next;
        }
    }

    #[test]
    fn records_come_back_in_order_from_any_position_across_starts() {
        let folder = tempfile::tempdir().unwrap();
        let mut segments = open(folder.path(), 1 << 20);
        assert_eq!(all(&segments), Vec::<Vec<u8>>::new());
        let first = segments.note(b"one").unwrap();
        let second = segments.note(b"").unwrap();
        drop(segments);
        let mut segments = open(folder.path(), 1 << 20);
        let third = segments.note(&[3; 500]).unwrap();
        assert!(first < second && second < third);
        assert_eq!(all(&segments), [b"one".to_vec(), vec![], vec![3; 500]]);
        let tail = segments.snapshot().read(second, 1 << 20).unwrap();
        assert_eq!(tail.records.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [second, third]);
        assert_eq!(tail.next, segments.end());
    }

    #[test]
    fn a_torn_tail_loses_its_record_alone_and_its_position_is_not_used_again() {
        let folder = tempfile::tempdir().unwrap();
        let mut segments = open(folder.path(), 1 << 20);
        let first = segments.note(b"kept").unwrap();
        let torn = segments.note(b"torn apart").unwrap();
        for lost in 1..18 {
            let path = name(folder.path(), first);
            let whole = fs::read(&path).unwrap();
            fs::write(&path, &whole[..whole.len() - 1]).unwrap();
            let mut again = open(folder.path(), 1 << 20);
            let position = again.note(b"new").unwrap();
            assert!(position > torn, "after losing {lost} bytes");
            assert_eq!(all(&again), [b"kept".to_vec(), b"new".to_vec()]);
            fs::remove_file(name(folder.path(), position)).unwrap();
        }
    }

    #[test]
    fn a_rotten_record_ends_its_segment_and_the_next_segment_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let mut segments = open(folder.path(), 1 << 20);
        let first = segments.note(b"aaaa").unwrap();
        segments.note(b"bbbb").unwrap();
        let mut again = open(folder.path(), 1 << 20);
        again.note(b"cccc").unwrap();
        let path = name(folder.path(), first);
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, bytes).unwrap();
        assert_eq!(all(&again), [b"aaaa".to_vec(), b"cccc".to_vec()]);
    }

    #[test]
    fn what_is_before_a_position_goes_in_whole_segments() {
        let folder = tempfile::tempdir().unwrap();
        let mut segments = open(folder.path(), 1 << 20);
        let positions: Vec<u64> = (0..300).map(|_| segments.note(&[7; 1_000]).unwrap()).collect();
        segments.take_before(positions[150]).remove();
        let first = segments.snapshot().read(0, 1).unwrap().records[0].0;
        assert!(first > positions[0] && first <= positions[150], "{first}");
        segments.take_before(u64::MAX).remove();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the segment that is written to stays");
        segments.note(b"new").unwrap();
        assert_eq!(all(&segments).last().unwrap(), b"new");
    }

    #[test]
    fn many_starts_leave_a_bounded_number_of_files() {
        let folder = tempfile::tempdir().unwrap();
        for n in 0..SEGMENTS_MAX + 20 {
            open(folder.path(), 1 << 30).note(&n.to_le_bytes()).unwrap();
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), SEGMENTS_MAX);
    }

    #[test]
    fn it_stays_within_its_size_by_dropping_the_oldest() {
        let folder = tempfile::tempdir().unwrap();
        let keep = SEGMENTS * SEGMENT_BYTES_MIN;
        let mut segments = open(folder.path(), keep);
        for n in 0..2_000_u32 {
            segments.note(&[&n.to_be_bytes()[..], &[7; 996]].concat()).unwrap();
        }
        let held: u64 =
            fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
        assert!(held <= keep + SEGMENT_BYTES_MIN && held > keep / 2, "{held}");
        let kept = all(&segments);
        assert_eq!(kept.last().unwrap()[..4], 1_999_u32.to_be_bytes());
        let numbers = kept.iter().map(|record| u32::from_be_bytes(record[..4].try_into().unwrap()));
        assert!(numbers.clone().zip(numbers.skip(1)).all(|(a, b)| b == a + 1), "a gap");
    }
}
