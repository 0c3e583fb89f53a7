//! Makes calls through the front door of an instance in this process, with a simulated disk and simulated sandboxes, so that
//! valgrind can count their instructions: `bench-in-process WHAT CALLS`, where WHAT is `invoke`, `identity`, or a protocol, whose
//! way through `wire` alone is then taken. Prints the CPU time of a call in nanoseconds.

#![allow(clippy::disallowed_methods)] // A program of its own: its arguments are its interface.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use bench::client::{request, structure};
use bench::door::{DOORS, Door};
use bench::function::{self, Function};
use bench::procfs::{self, Usage};
use bytes::Bytes;
use gateway::Source;
use http::Request;
use invoker::Invoker;
use sandbox::simulated::Simulated as Boxes;
use server::{Assembled, RootKey, assemble};
use store::Simulated as Disk;
use tasks::{Clock, Random, Shutdown, Tasks};
use tokio::task::LocalSet;
use wire::sigv4::Credentials;

const HOST: &str = "127.0.0.1:4566";

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, calls] = arguments.as_slice() else { anyhow::bail!("takes WHAT and CALLS") };
    let calls = calls.parse().context("CALLS is a number")?;
    if let Some(door) = DOORS.iter().find(|door| door.name == what) {
        return through(door, calls);
    }
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("make a runtime")?;
    LocalSet::new().block_on(&runtime, run(what, calls))
}

async fn run(what: &str, calls: usize) -> anyhow::Result<()> {
    let folder = tempfile::tempdir().context("make a folder")?;
    let tasks = Tasks::new(Shutdown::new());
    let (instance, credentials) = start(folder.path(), &tasks).await?;
    let signed = |operation, input| request(HOST, &credentials, operation, input);
    let function = Function {
        name: "echo".to_owned(),
        runtime: "provided.al2023".to_owned(),
        package: function::python_package()?,
        memory_mb: 128,
        sleep: Duration::ZERO,
    };
    answered(&instance, signed(("iam", "CreateRole"), function::role())?).await?;
    answered(&instance, signed(("lambda", "CreateFunction"), function.creation())?).await?;
    let invoke = signed(("lambda", "Invoke"), function.invocation(Bytes::from_static(function::EVENT)))?;
    // A call that comes before the function is active is refused.
    while let Err(error) = answered(&instance, invoke.clone()).await {
        ensure!(format!("{error:#}").contains("409"), "{error:#}");
        Clock::real().sleep(Duration::from_millis(1)).await;
    }
    let repeated = match what {
        "invoke" => invoke,
        "identity" => signed(("sts", "GetCallerIdentity"), structure::<0>([]))?,
        _ => anyhow::bail!("{what} is neither invoke nor identity nor a protocol"),
    };
    let before = procfs::usage(std::process::id())?;
    for _ in 0..calls {
        answered(&instance, repeated.clone()).await?;
    }
    told(before, calls)?;
    tasks.shutdown().begin();
    Ok(())
}

fn through(door: &Door, calls: usize) -> anyhow::Result<()> {
    let knocked = door.knock()?;
    knocked.serve()?;
    let before = procfs::usage(std::process::id())?;
    for _ in 0..calls {
        std::hint::black_box(knocked.serve()?);
    }
    told(before, calls)
}

fn told(before: Usage, calls: usize) -> anyhow::Result<()> {
    let used = procfs::usage(std::process::id())?.since(before);
    println!("{}", used.cpu_ns / calls.max(1) as u64);
    Ok(())
}

async fn answered(instance: &Assembled, request: Request<Bytes>) -> anyhow::Result<()> {
    let (head, body) = instance.gateway.handle(request, Source::InProcess).await.into_parts();
    let body = body.collect().await.context("read an answer")?;
    ensure!(head.status.is_success(), "{}: {}", head.status, String::from_utf8_lossy(&body));
    Ok(())
}

async fn start(folder: &Path, tasks: &Tasks) -> anyhow::Result<(Assembled, Credentials)> {
    let (clock, random) = (Clock::real(), Random::kernel());
    let sources = server::config::Sources {
        flags: vec![("data".to_owned(), folder.to_string_lossy().into_owned())],
        environment: Vec::new(),
        file: None,
        root: server::config::Root::No,
        machine_memory_bytes: 8 << 30,
    };
    let (config, _) =
        server::config::load(&sources).map_err(|problem| anyhow::anyhow!("{}", problem.what))?;
    let root_key = RootKey::make(&random);
    let credentials = Credentials {
        access_key: root_key.access_key().to_owned(),
        secret_key: root_key.secret_key().to_owned(),
        session_token: None,
    };
    Invoker::enter_shard(0);
    let instance = assemble(server::Parts {
        store: Disk::new(7, clock.clone()).open(),
        driver: Arc::new(Boxes::new(clock.clone(), tasks.clone())),
        clock: clock.clone(),
        random: random.clone(),
        tasks: tasks.clone(),
        config,
        root_key,
        objects: folder.join("objects"),
        endpoint: format!("http://{HOST}"),
    })
    .await?;
    instance.start_loops();
    Ok((instance, credentials))
}
