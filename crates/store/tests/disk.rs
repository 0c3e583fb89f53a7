//! What the store on disk does when the disk is not as it was left.

#![allow(clippy::unwrap_used)] // Functions that only tests call are tests too.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use store::{
    Ask, BlobId, Broken, Chunks, Group, Hold, Home, New, Options, Queue, Settle, Settled, Store, Table,
};
use tasks::{Clock, Shutdown, Tasks};

const ROWS: Table<u64, String> = Table::new("disk.rows");
const ITEMS: Queue<u64> = Queue::new("disk.items");

fn home() -> Home {
    Home::of(&["disk"])
}

fn options(disk_floor_bytes: u64) -> Options {
    Options { disk_floor_bytes, ..Options::new(Tasks::new(Shutdown::new()), Clock::real()) }
}

fn open(folder: &Path) -> Result<Store, Broken> {
    Store::open(folder, options(0))
}

async fn put(store: &Store, key: u64, row: &str) -> Result<(), Broken> {
    let row = row.to_owned();
    store.write(home(), move |txn| txn.put(ROWS, &key, &row)).await
}

async fn get(store: &Store, key: u64) -> Result<Option<String>, Broken> {
    store.read(home(), move |view| view.get(ROWS, &key)).await
}

fn refusal(folder: &Path) -> String {
    match open(folder) {
        Ok(_) => panic!("it was opened"),
        Err(broken) => broken.to_string(),
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("state.db"), [7; 40_000]).unwrap();
    let words = refusal(folder.path());
    assert!(words.contains("state.db") && words.starts_with("corrupt data"), "{words}");
}

#[tokio::test]
async fn a_database_with_a_torn_first_page_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    put(&store, 1, "row").await.unwrap();
    store.close().await;
    let file = File::options().write(true).open(folder.path().join("state.db")).unwrap();
    file.write_all_at(&[0xa5; 3_000], 100).unwrap();
    let words = refusal(folder.path());
    assert!(words.contains("state.db") && words.starts_with("corrupt data"), "{words}");
}

#[tokio::test]
async fn a_database_older_than_the_noted_commit_is_refused_and_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    put(&store, 1, "old").await.unwrap();
    store.close().await;
    let old = fs::read(folder.path().join("state.db")).unwrap();
    let store = open(folder.path()).unwrap();
    put(&store, 2, "new").await.unwrap();
    store.close().await;
    fs::write(folder.path().join("state.db"), old).unwrap();
    let words = refusal(folder.path());
    assert!(words.contains("ends at commit 1") && words.contains("commit 2 was acknowledged"), "{words}");
    fs::remove_file(folder.path().join("state.db")).unwrap();
    assert!(refusal(folder.path()).contains("ends at commit 0"));
}

#[tokio::test]
async fn a_database_of_a_newer_format_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).unwrap().close().await;
    let database = rusqlite::Connection::open(folder.path().join("state.db")).unwrap();
    database.execute("UPDATE meta SET v = 2 WHERE k = 'format'", []).unwrap();
    drop(database);
    assert!(refusal(folder.path()).contains("format 2"));
}

#[tokio::test]
async fn the_file_has_the_layout_that_was_measured() {
    let folder = tempfile::tempdir().unwrap();
    open(folder.path()).unwrap().close().await;
    let database = rusqlite::Connection::open(folder.path().join("state.db")).unwrap();
    let pragma = |name: &str| -> rusqlite::types::Value {
        database.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0)).unwrap()
    };
    assert_eq!(pragma("page_size"), 8_192.into());
    assert_eq!(pragma("auto_vacuum"), 2.into(), "incremental");
    assert_eq!(pragma("journal_mode"), "wal".to_owned().into());
}

#[tokio::test]
async fn a_row_that_rotted_is_corrupt_and_its_neighbours_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    for key in 0..3 {
        put(&store, key, "some text").await.unwrap();
    }
    store.close().await;
    let database = rusqlite::Connection::open(folder.path().join("state.db")).unwrap();
    let flip = "UPDATE row SET v = CAST(replace(v, 'some', 'same') AS BLOB) WHERE substr(k, -8) = ?1";
    assert_eq!(database.execute(flip, [1_u64.to_be_bytes()]).unwrap(), 1);
    drop(database);
    let store = open(folder.path()).unwrap();
    assert!(matches!(get(&store, 1).await, Err(Broken::Corrupt(_))));
    assert_eq!(get(&store, 2).await.unwrap().as_deref(), Some("some text"));
}

#[tokio::test]
async fn below_the_floor_new_work_is_refused_and_deletes_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    put(&store, 1, "row").await.unwrap();
    store.close().await;
    let store = Store::open(folder.path(), options(u64::MAX)).unwrap();
    assert_eq!(put(&store, 2, "row").await, Err(Broken::Full));
    let mut body = Bytes::from(vec![1; 100_000]);
    assert!(matches!(store.blobs().stage(&mut body, 1 << 20).await, Err(Broken::Full)));
    let moved = store.write(home(), |txn| {
        txn.delete(ROWS, &1)?;
        txn.put(ROWS, &3, &"moved".to_owned())
    });
    assert_eq!(moved.await, Ok(()));
    assert_eq!(get(&store, 3).await.unwrap().as_deref(), Some("moved"));
    assert!(!folder.path().join("reserve").exists(), "there is no room for a reserve");
}

#[tokio::test]
async fn above_the_floor_a_reserve_is_held() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), options(1)).unwrap();
    put(&store, 1, "row").await.unwrap();
    let held = fs::metadata(folder.path().join("reserve")).unwrap().len();
    assert!(held > 0 && held <= store::limits::RESERVE_BYTES, "{held}");
}

async fn blob(store: &Store, bytes: usize) -> BlobId {
    let mut body = Bytes::from(vec![5; bytes]);
    let staged = store.blobs().stage(&mut body, 1 << 30).await.unwrap();
    store.write::<_, Broken>(home(), move |txn| txn.adopt(&staged)).await.unwrap()
}

#[tokio::test]
async fn a_blob_that_rotted_fails_when_it_is_read_whole_and_a_missing_or_short_one_when_it_is_opened() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let id = blob(&store, 600_000).await;
    let path = fs::read_dir(folder.path().join("blobs")).unwrap().next().unwrap().unwrap().path();
    let file = File::options().write(true).open(&path).unwrap();
    file.write_all_at(&[6], 599_999).unwrap();
    assert!(matches!(store.blobs().read(&id).await, Err(Broken::Corrupt(_))));
    let mut part = store.blobs().open(&id, 10..20).await.unwrap();
    assert_eq!(part.next().await.unwrap(), Some(Bytes::from(vec![5; 10])));
    assert_eq!(part.next().await.unwrap(), None);
    file.set_len(599_999).unwrap();
    assert!(matches!(store.blobs().open(&id, 0..1).await, Err(Broken::Corrupt(_))));
    fs::remove_file(path).unwrap();
    assert!(matches!(store.blobs().open(&id, 0..1).await, Err(Broken::Corrupt(_))));
}

/// A body that ends in an error.
struct Torn(u32);

impl Chunks for Torn {
    fn next(&mut self) -> std::pin::Pin<Box<dyn Future<Output = Result<Option<Bytes>, Broken>> + Send + '_>> {
        self.0 += 1;
        let chunk = Ok(Some(Bytes::from(vec![1; 200_000])));
        let next =
            if self.0 < 5 { chunk } else { Err(Broken::Unavailable("the client went away".to_owned())) };
        Box::pin(std::future::ready(next))
    }
}

#[tokio::test]
async fn an_upload_that_fails_leaves_no_file_and_one_that_died_is_deleted_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = folder.path().join("blobs");
    let store = open(folder.path()).unwrap();
    assert!(store.blobs().stage(&mut Torn(0), 1 << 30).await.is_err());
    let mut large = Bytes::from(vec![1; 700_000]);
    assert!(store.blobs().stage(&mut large, 600_000).await.is_err());
    assert_eq!(fs::read_dir(&blobs).unwrap().count(), 0);
    store.close().await;
    fs::write(blobs.join("upload-7"), b"half").unwrap();
    open(folder.path()).unwrap();
    assert_eq!(fs::read_dir(&blobs).unwrap().count(), 0);
}

#[tokio::test]
async fn a_slow_read_ends_after_five_seconds_of_its_clock() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::virtual_at(0);
    let store = Store::open(
        folder.path(),
        Options { disk_floor_bytes: 0, ..Options::new(Tasks::new(Shutdown::new()), clock.clone()) },
    )
    .unwrap();
    put(&store, 1, "row").await.unwrap();
    let (inside, entered) = std::sync::mpsc::channel();
    let (go, gate) = std::sync::mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let look = store.read::<_, Broken>(home(), move |view| {
        let first = view.get(ROWS, &1)?;
        inside.send(()).unwrap();
        gate.lock().unwrap().recv().unwrap();
        Ok(first)
    });
    let pass_time = async {
        tokio::task::yield_now().await;
        entered.recv().unwrap();
        clock.advance(Duration::from_secs(6)).await;
        go.send(()).unwrap();
    };
    let (seen, ()) = tokio::join!(look, pass_time);
    assert!(matches!(seen, Err(Broken::Unavailable(_))), "{seen:?}");
    assert_eq!(get(&store, 1).await.unwrap().as_deref(), Some("row"), "the reader goes on");
}

#[test]
fn a_failed_write_to_the_database_ends_the_process_and_nothing_acknowledged_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let cut = env!("CARGO_BIN_EXE_cut");
    // A limit on the size of files makes the log's writes fail; the signal that would come first is ignored.
    let limited = format!("trap '' XFSZ; ulimit -f 2000; exec {cut} write rows");
    let writer = Command::new("sh").args(["-c", &limited]).env("CUT_FOLDER", folder.path()).output().unwrap();
    assert_eq!(writer.status.signal(), Some(6), "{:?}", writer.status);
    assert!(writer.stdout.len() > 1_000);
    let mut checker = Command::new(cut)
        .arg("check")
        .env("CUT_FOLDER", folder.path())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    checker.stdin.take().unwrap().write_all(&writer.stdout).unwrap();
    assert!(checker.wait().unwrap().success());
}

#[tokio::test]
async fn a_closure_that_panics_is_answered_and_its_neighbours_commit() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    let panics = store.write::<(), Broken>(home(), |txn| {
        txn.put(ROWS, &1, &"half".to_owned())?;
        panic!("on purpose")
    });
    let (first, second) = tokio::join!(panics, put(&store, 2, "row"));
    assert!(matches!(first, Err(Broken::Unavailable(_))));
    second.unwrap();
    assert_eq!(get(&store, 1).await.unwrap(), None);
    assert_eq!(get(&store, 2).await.unwrap().as_deref(), Some("row"));
}

#[tokio::test]
async fn below_the_floor_nothing_is_sent_but_what_is_there_is_received_postponed_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let groups = [Group::None, Group::Fair("g".to_owned()), Group::Strict("g".to_owned())];
    let item = |group: &Group| New { group: group.clone(), ..New::of("s", 1) };
    let store = open(folder.path()).unwrap();
    let line = store.own(home()).await.unwrap().queue(ITEMS);
    line.append(groups.iter().map(item).collect()).await.unwrap();
    store.close().await;

    // More than any disk has.
    let store = Store::open(folder.path(), options(u64::MAX)).unwrap();
    let line = store.own(home()).await.unwrap().queue(ITEMS);
    assert_eq!(line.append(vec![item(&Group::None)]).await, Err(Broken::Full));
    let ask = |hold| Ask { max: 9, ..Ask::of("s", hold) };
    assert_eq!(line.lease(ask(Hold::Process)).await.unwrap().len(), 3);
    let leased = line.lease(ask(Hold::Client(Duration::from_secs(3_600)))).await.unwrap();
    for settle in [Settle::At(aws::Millis(u64::MAX)), Settle::Done] {
        let each = leased.iter().map(|leased| (leased.receipt.clone(), settle)).collect();
        assert_eq!(line.settle(each).await, Ok(vec![Settled::Yes; 3]), "{settle:?}");
    }
    assert_eq!(line.depth("s").await, Ok(store::Depth::default()));
    store.close().await;
}
