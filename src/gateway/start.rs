//! The life of a gateway process: read the configuration, take the port, serve, read it again when it changes, stop.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::runtime::{Builder, Runtime};

use super::config::Config;
use super::server::{Server, ServerOptions};
use super::state::Gateway;
use crate::config::ProcessEnvironment;
use crate::error::{Error, Kind, Result};

/// How often the files of the configuration are looked at.
const LOOK: Duration = Duration::from_secs(2);

/// What a gateway is started with.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// The configuration's file; without one, `config` is all there is.
    pub file: Option<std::path::PathBuf>,
    /// Where to listen; none: this machine only while there is no key, everywhere once there is one.
    pub host: Option<String>,
    pub port: u16,
    /// Threads; none: one for each core.
    pub workers: Option<usize>,
    /// Loads what the configuration names of another language.
    pub hooks: Option<super::hooks::Maker>,
}

/// What is told once the gateway listens.
#[derive(Debug, Clone)]
pub struct Listening {
    pub base_url: String,
    /// Listens on more than this machine, and everybody may come in.
    pub is_open: bool,
    /// Name of each model, and how many deployments it has.
    pub models: Vec<(String, usize)>,
    pub has_key: bool,
}

/// A runtime that uses all cores.
///
/// # Errors
/// [`Kind::Config`] when the system gives no threads.
pub fn runtime(workers: Option<usize>) -> Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    if let Some(workers) = workers {
        builder.worker_threads(workers.max(1));
    }
    let built = builder.thread_name("ferrolite-gateway").enable_all().build();
    built.map_err(|error| failed(&format!("the runtime cannot be started: {error}")))
}

fn failed(why: &str) -> Error {
    Error::new(Kind::Config, why)
}

/// Serves until `shutdown` is ready, or a signal asks for the end. `listening` is told where.
///
/// # Errors
/// When the port cannot be taken.
pub async fn serve(
    start: Start,
    config: Config,
    listening: impl FnOnce(Listening),
    shutdown: impl Future<Output = ()>,
) -> Result<()> {
    let has_key = config.is_guarded();
    let host = start.host.clone().unwrap_or_else(|| if has_key { "0.0.0.0" } else { "127.0.0.1" }.to_owned());
    let options = ServerOptions { host, port: start.port, ..ServerOptions::default() };
    let gateway = Gateway::with_hooks(config, start.hooks.clone())?;
    let server = Server::bind(&options).map_err(|error| {
        failed(&format!("{}:{} cannot be listened on: {error}", options.host, options.port))
    })?;
    listening(told(&gateway, &server, has_key));
    let reloading = start.file.map(|file| tokio::spawn(keep_current(gateway.clone(), file)));
    let ending = async {
        tokio::select! {
            () = shutdown => {}
            () = asked_to_end() => {}
        }
    };
    let watch = gateway.observer.begin(&gateway);
    server.serve(gateway, ending).await;
    watch.end().await;
    if let Some(reloading) = reloading {
        reloading.abort();
    }
    Ok(())
}

fn told(gateway: &Gateway, server: &Server, has_key: bool) -> Listening {
    let mut address = server.local_addr();
    let is_open = !address.ip().is_loopback() && !has_key;
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            [127, 0, 0, 1].into()
        } else {
            std::net::Ipv6Addr::LOCALHOST.into()
        });
    }
    let view = gateway.running().router.view();
    let models = view.table.names().into_iter().map(|name| {
        let count = view.table.find(name).map_or(0, |found| found.group.members().count());
        (name.to_owned(), count)
    });
    Listening { base_url: format!("http://{address}"), is_open, models: models.collect(), has_key }
}

/// Ready when the process is asked to end: SIGTERM, or Ctrl-C.
async fn asked_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let (Ok(mut term), Ok(mut interrupt)) =
            (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        {
            tokio::select! {
                _ = term.recv() => {}
                _ = interrupt.recv() => {}
            }
            return;
        }
    }
    // Without signals there is Ctrl-C alone; without that, the end of the process.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Reads the configuration again on SIGHUP, and when one of its files has changed. What cannot be read changes nothing.
async fn keep_current(gateway: Arc<Gateway>, file: std::path::PathBuf) {
    #[cfg(unix)]
    let mut hangup = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok();
    let mut seen = stamps(&gateway);
    loop {
        #[cfg(unix)]
        let asked = {
            let hung_up = async {
                match &mut hangup {
                    Some(hangup) => {
                        hangup.recv().await;
                    }
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = hung_up => true,
                () = tokio::time::sleep(LOOK) => false,
            }
        };
        #[cfg(not(unix))]
        let asked = {
            tokio::time::sleep(LOOK).await;
            false
        };
        let now = stamps(&gateway);
        if !asked && now == seen {
            continue;
        }
        seen = now;
        let path = file.clone();
        let read = tokio::task::spawn_blocking(move || Config::load(&path, &ProcessEnvironment)).await;
        match read {
            Ok(Ok(config)) => match gateway.reload(config) {
                Ok(()) => {
                    seen = stamps(&gateway);
                    tracing::info!(file = %file.display(), "the configuration was read again");
                }
                Err(error) => tracing::error!(error = %error, "the configuration stays as it was"),
            },
            Ok(Err(problems)) => {
                for problem in &problems {
                    tracing::error!(%problem, "the configuration stays as it was");
                }
            }
            Err(error) => tracing::error!(error = %error, "the configuration stays as it was"),
        }
    }
}

fn stamps(gateway: &Gateway) -> Vec<Option<SystemTime>> {
    let changed = |path: &Path| std::fs::metadata(path).and_then(|facts| facts.modified()).ok();
    gateway.running().config.files.iter().map(|path| changed(path)).collect()
}
