//! Runtime packs, and what runs on them.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use sandbox::packs::{Shelf, pythons_on_this_host};
use sandbox::slot::Request;
use sandbox::{Command, Exit, KeepTmp, Pack};

use crate::rig::{Rig, environment, is_ready};

fn shelf(rig: &Rig) -> Shelf {
    Shelf::open(rig.data()).expect("open the packs")
}

/// The pack of the first Python that this host has. Every machine that builds us has one.
fn python(rig: &Rig) -> (String, Pack) {
    let runtime = pythons_on_this_host().into_iter().next().expect("a Python below /usr");
    let pack = shelf(rig).python_from_host(&runtime).expect("make the pack");
    (runtime, pack)
}

#[test]
fn the_same_host_gives_the_same_pack() {
    let rig = Rig::shared();
    let shelf = shelf(&rig);
    let again = shelf.base_from_host().expect("make the pack");
    assert_eq!(again.digest, rig.base);
    assert_eq!(again.runtimes, ["provided.al2023", "provided.al2"]);
    let listed = shelf.list().expect("list the packs");
    assert_eq!(listed.iter().filter(|pack| pack.digest == rig.base).collect::<Vec<_>>(), [&again]);
}

#[test]
fn a_pack_is_roots_and_holds_nothing_that_gives_privileges() {
    fn check(folder: &Path) -> usize {
        let mut count = 0;
        for entry in fs::read_dir(folder).expect("list").flatten() {
            let metadata = entry.path().symlink_metadata().expect("look");
            let path = entry.path();
            assert_eq!((metadata.uid(), metadata.gid()), (0, 0), "{path:?}");
            if !metadata.is_symlink() {
                assert_eq!(metadata.permissions().mode() & 0o7022, 0, "{path:?}");
            }
            count += 1;
            if metadata.is_dir() {
                count += check(&path);
            }
        }
        count
    }
    let rig = Rig::shared();
    let root = rig.data().join("packs").join(rig.base.to_string()).join("root");
    assert!(check(&root) > 500);
    for path in [
        "usr/bin/bash",
        "usr/bin/env",
        "etc/passwd",
        "usr/share/zoneinfo/UTC",
        "etc/ssl/certs/ca-certificates.crt",
    ] {
        assert!(root.join(path).is_file(), "{path}");
    }
    for path in ["dev", "proc", "sys", "tmp", "opt", "var/task"] {
        assert_eq!(fs::read_dir(root.join(path)).expect("list").count(), 0, "{path}");
    }
}

#[test]
fn verify_names_what_was_changed() {
    let rig = Rig::new("verify");
    let shelf = shelf(&rig);
    assert_eq!(shelf.verify(rig.base).expect("verify"), Vec::<String>::new());
    let root = rig.data().join("packs").join(rig.base.to_string()).join("root");
    fs::write(root.join("etc/hosts"), "6.6.6.6 localhost\n").expect("change a file");
    fs::write(root.join("usr/bin/new"), "").expect("add a file");
    fs::remove_file(root.join("etc/shells")).expect("remove a file");
    fs::set_permissions(root.join("usr/bin/env"), fs::Permissions::from_mode(0o644)).expect("change a mode");
    let changed = shelf.verify(rig.base).expect("verify");
    assert_eq!(changed, ["etc/hosts", "etc/shells", "usr/bin/env", "usr/bin/new"]);
    let manifest = root.parent().expect("the pack").join("manifest.json");
    fs::write(&manifest, fs::read_to_string(&manifest).expect("read").replace("al2023", "al2024"))
        .expect("forge");
    assert!(shelf.verify(rig.base).is_err(), "a forged manifest");
    assert!(shelf.list().expect("list").is_empty(), "is no pack");
    shelf.remove(rig.base).expect("remove");
    shelf.sweep().expect("sweep");
    assert_eq!(fs::read_dir(rig.data().join("packs")).expect("list").count(), 0);
}

#[test]
fn a_pack_with_the_bootstrap_of_another_build_is_to_be_made_again() {
    let rig = Rig::shared();
    let (_, pack) = python(&rig);
    assert!(shelf(&rig).is_current(pack.digest) && shelf(&rig).is_current(rig.base));
    // A data folder that an older build has left.
    let data = tempfile::tempdir().expect("a folder");
    let old = Shelf::open(data.path()).expect("open the packs");
    let name = pack.digest.to_string();
    let [from, to] = [rig.data(), data.path()].map(|data| data.join("packs").join(&name));
    fs::create_dir_all(to.join("root/var/runtime")).expect("make a folder");
    fs::copy(from.join("manifest.json"), to.join("manifest.json")).expect("copy the manifest");
    fs::write(to.join("root/var/runtime/bootstrap.py"), "print('old')\n").expect("write a bootstrap");
    assert_eq!(old.list().expect("list the packs").len(), 1);
    assert!(!old.is_current(pack.digest));
}

#[test]
fn a_python_pack_is_the_interpreter_alone() {
    let rig = Rig::shared();
    let (runtime, pack) = python(&rig);
    assert_eq!(pack.runtimes, std::slice::from_ref(&runtime));
    assert!(
        pack.version.starts_with(&format!("python:{}.v", runtime.trim_start_matches("python"))),
        "{pack:?}"
    );
    let script = format!(
        "#!/var/lang/bin/{runtime}
import bz2, ctypes, decimal, hashlib, json, locale, lzma, os, sqlite3, ssl, sys, uuid, zlib, zoneinfo
print(sys.prefix, sys.executable)
print([path for path in sys.path if not path.startswith(('/var/lang', '/var/task'))])
print(len(ssl.create_default_context().get_ca_certs()) > 50)
print(locale.setlocale(locale.LC_ALL, 'en_US.UTF-8'), sys.getfilesystemencoding())
print(zoneinfo.ZoneInfo('Europe/Berlin').key, os.getpid(), ctypes.CDLL('libstdc++.so.6') is not None)
print(json.__cached__, os.path.exists(json.__cached__))
for name in ('boto3', 'pip', 'tkinter', 'ensurepip', 'apt'):
    try:
        __import__(name)
        print('LEAK', name)
    except ImportError:
        pass
"
    );
    let task = rig.tree(&[("bootstrap", 0o755, script.as_bytes())]);
    let variables = environment(&[("LANG", "en_US.UTF-8")]);
    let outcome = rig.run(&Request { pack: pack.digest, environment: variables, ..rig.request(Some(task)) });
    assert_eq!(outcome.exit, Some(Exit::Status(0)), "{outcome:?}");
    let lines: Vec<_> = outcome.stdout.lines().collect();
    assert_eq!(lines[0], format!("/var/lang /var/lang/bin/{runtime}"), "{outcome:?}");
    assert_eq!(lines[1..5], ["[]", "True", "en_US.UTF-8 utf-8", "Europe/Berlin 2 True"], "{outcome:?}");
    assert!(lines[5].starts_with("/var/lang/lib/python") && lines[5].ends_with("True"), "{outcome:?}");
    assert_eq!(lines.len(), 6, "{outcome:?}");
}

/// One HTTP request of a runtime: its first line and its body.
fn request(connection: &mut BufReader<TcpStream>) -> (String, String) {
    let mut line = String::new();
    connection.read_line(&mut line).expect("read a request");
    let mut length = 0;
    loop {
        let mut header = String::new();
        connection.read_line(&mut header).expect("read a header");
        if header.trim().is_empty() {
            break;
        }
        if let Some(value) = header.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).expect("read a body");
    (line.trim().to_owned(), String::from_utf8(body).expect("text"))
}

#[test]
fn a_python_function_answers_through_the_runtime_api() {
    let rig = Rig::shared();
    let (_, pack) = python(&rig);
    let task = rig.tree(&[(
        "app.py",
        0o644,
        b"def handler(event, context):\n    return {'hello': event['name']}\n",
    )]);
    let variables = [
        ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001"),
        ("_HANDLER", "app.handler"),
        ("LAMBDA_TASK_ROOT", "/var/task"),
        ("AWS_LAMBDA_FUNCTION_NAME", "greeter"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
    ];
    let running = rig.start(&Request {
        pack: pack.digest,
        command: Command::Runtime,
        environment: environment(&variables),
        ..rig.request(Some(task))
    });
    assert!(is_ready(running.runtime_api.as_fd(), 10), "the runtime asks for its first event");
    let listener = TcpListener::from(running.runtime_api.try_clone().expect("copy the listener"));
    listener.set_nonblocking(false).expect("wait");
    let mut connection = BufReader::new(listener.accept().expect("accept").0);
    assert_eq!(request(&mut connection).0, "GET /2018-06-01/runtime/invocation/next HTTP/1.1");
    let event = "{\"name\":\"box\"}";
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nLambda-Runtime-Aws-Request-Id: 7\r\n\
                Lambda-Runtime-Deadline-Ms: 9999999999999\r\nLambda-Runtime-Invoked-Function-Arn: arn\r\n";
    let answer = format!("{head}Content-Length: {}\r\n\r\n{event}", event.len());
    connection.get_mut().write_all(answer.as_bytes()).expect("send an event");
    let (line, body) = request(&mut connection);
    assert_eq!(line, "POST /2018-06-01/runtime/invocation/7/response HTTP/1.1");
    assert_eq!(body.replace(": ", ":"), "{\"hello\":\"box\"}");
    drop(connection);
    rig.end(running, KeepTmp::No);
}
