//! Where one room's socket meets another's plug: neither names the other, so the adapters are here.

use std::io;
use std::sync::{Arc, OnceLock};

use api::Boxed;
use aws::Fault;
use gateway::{AcceptFrom, Download, Gateway, Snapshot};
use invoker::{LogLine, LogStream};
use lambda::Lambda;
use sandbox::{Accepting, Connection, Listener};
use tasks::Tasks;

/// The zips behind code locations.
pub(crate) struct Packages(pub(crate) Lambda);

impl gateway::Downloads for Packages {
    fn open<'a>(&'a self, snapshot: &'a Snapshot) -> Boxed<'a, Result<Option<Download>, Fault>> {
        Box::pin(async move {
            let zip = self.0.download(snapshot.account, &snapshot.region, &snapshot.name).await?;
            Ok(zip.map(|zip| Download {
                length: zip.len() as u64,
                chunks: Box::pin(futures_util::stream::iter([Ok(zip)])),
            }))
        })
    }
}

/// The AWS endpoint inside environments. The gateway comes last, since it needs the services and they the invoker.
#[derive(Clone)]
pub(crate) struct Endpoint {
    gateway: Arc<OnceLock<Gateway>>,
    tasks: Tasks,
}

impl Endpoint {
    pub(crate) fn new(tasks: Tasks) -> Endpoint {
        Endpoint { gateway: Arc::default(), tasks }
    }

    pub(crate) fn connect(&self, gateway: Gateway) {
        let _ = self.gateway.set(gateway);
    }
}

impl invoker::Inside for Endpoint {
    fn serve(&self, listener: Listener, environment: &str) -> Boxed<'static, ()> {
        let Endpoint { gateway, tasks } = self.clone();
        let environment = environment.to_owned();
        Box::pin(async move {
            let gateway = gateway.get().expect("the gateway is connected before the first environment");
            match listener.accepting() {
                Ok(accepting) => {
                    gateway.serve_environment(Accept(accepting), &environment, tasks).await;
                }
                Err(error) => tracing::error!(environment, %error, "serve the endpoint inside"),
            }
        })
    }
}

struct Accept(Accepting);

impl AcceptFrom<Connection> for Accept {
    async fn accept(&mut self) -> io::Result<Connection> {
        self.0.accept().await
    }
}

/// Function output on its way to the logs.
pub(crate) struct FunctionOutput(pub(crate) logs::Sink);

impl invoker::LogSink for FunctionOutput {
    fn write(&self, stream: &LogStream, lines: &[LogLine]) {
        let LogStream { account, region, group, stream } = stream;
        let stream = logs::Stream { account: *account, region, group, stream };
        self.0.write(&stream, lines.iter().map(|line| (line.at, &*line.message)));
    }
}
