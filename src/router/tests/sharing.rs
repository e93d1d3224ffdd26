//! Two routers on one Redis. Skipped where there is no `redis-server`.
//!
//! Their clocks stand still, so that no minute ends while they share one; nothing is measured in time.

use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, mpsc};
use std::time::Instant;

use tokio::sync::Semaphore;

use super::*;
use crate::store::together::{Known, Notes, Pending, RedisTogether, Shared};

/// The longest a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(60);

struct Server(Child, String);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn redis() -> Option<Server> {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    redis_at(port)
}

fn redis_at(port: u16) -> Option<Server> {
    let port = port.to_string();
    let mut command = Command::new("redis-server");
    command.args(["--port", &port, "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"]);
    let Ok(child) = command.stdout(Stdio::null()).spawn() else {
        println!("skipped: there is no redis-server");
        return None;
    };
    let began = Instant::now();
    while std::net::TcpStream::connect(format!("127.0.0.1:{port}")).is_err() {
        assert!(began.elapsed() < PATIENCE, "redis-server does not answer");
        std::thread::sleep(Duration::from_millis(20));
    }
    Some(Server(child, format!("redis://127.0.0.1:{port}/0")))
}

fn with_store(store: Arc<dyn Shared>) -> Arc<Router> {
    let entries = [entry("a", "x", json!({ "rpm": 2000 }))];
    let deployments = entries.iter().map(|entry| Arc::new(Deployment::read(entry).unwrap())).collect();
    let Value::Object(settings) =
        json!({ "enable_pre_call_checks": true, "allowed_fails": 0, "cooldown_time": 60 })
    else {
        panic!("an object")
    };
    let settings = RouterSettings::read(&settings).unwrap();
    let router = Router::with(deployments, settings, Clock::manual(START), Random::seeded(1));
    Arc::new(router.sharing(store))
}

fn sharing(server: &Server) -> Arc<Router> {
    with_store(Arc::new(RedisTogether::new(&server.1, "test").unwrap()))
}

/// Whether a call is let through.
fn passes(router: &Arc<Router>) -> bool {
    matches!(plan(router, json!({ "model": "a" })).next(router.clock.now()), Step::Call(_))
}

fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn is_cooling(router: &Arc<Router>) -> bool {
    router.view().table.by_id("x").unwrap().live.cooldown(router.clock.now()).is_some()
}

/// Calls at a steady pace until none is let through any more: how many were.
fn exhaust(router: &Arc<Router>) -> usize {
    let (began, mut passed, mut refused) = (Instant::now(), 0, 0);
    while refused < 50 {
        assert!(began.elapsed() < PATIENCE, "{passed} calls and no limit");
        if passes(router) {
            (passed, refused) = (passed + 1, 0);
        } else {
            refused += 1;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    passed
}

#[test]
fn two_routers_hold_one_limit() {
    let Some(server) = redis() else { return };
    let routers = [sharing(&server), sharing(&server)];
    let running = routers.map(|router| std::thread::spawn(move || exhaust(&router)));
    let passed: usize = running.into_iter().map(|one| one.join().unwrap()).sum();
    assert!((1960..=2040).contains(&passed), "{passed} of 2000");
}

#[test]
fn cooldowns_are_shared_and_a_dead_redis_stops_nobody() {
    let Some(mut server) = redis() else { return };
    let (one, two) = (sharing(&server), sharing(&server));
    // Each begins to share with its first call.
    assert!(passes(&one) && passes(&two));
    all_fail(&mut plan(&one, json!({ "model": "a", "num_retries": 0 })), &of(Kind::InternalServer));
    wait_for("the cooldown is not shared", || is_cooling(&two));
    one.forget();
    let _ = server.0.kill();
    let _ = server.0.wait();
    for number in 0..100 {
        assert!(passes(&one), "call {number}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_redis_that_comes_back_is_used_again() {
    let Some(mut server) = redis() else { return };
    let (one, two) = (sharing(&server), sharing(&server));
    assert!(passes(&one) && passes(&two));
    let requests = |router: &Arc<Router>| {
        let minute = router.clock.now().minute();
        router.view().table.by_id("x").unwrap().live.requests.get(minute)
    };
    wait_for("the first calls are not shared", || requests(&one) == 2 && requests(&two) == 2);
    let _ = server.0.kill();
    let _ = server.0.wait();
    assert!(passes(&one));
    let port = server.1.rsplit_once(':').unwrap().1.trim_end_matches("/0").parse().unwrap();
    server = redis_at(port).unwrap();
    // The new server knows nothing: what it is told, it is told over a new connection.
    all_fail(&mut plan(&one, json!({ "model": "a", "num_retries": 0 })), &of(Kind::InternalServer));
    wait_for("the cooldown is not shared", || is_cooling(&two));
    drop(server);
}

/// A store whose replies wait until they are let go, and say that a deployment cools down.
#[derive(Debug)]
struct Held {
    asked: Mutex<mpsc::Sender<Notes>>,
    go: Semaphore,
}

impl Shared for Held {
    fn exchange<'s>(&'s self, notes: &'s Notes) -> Pending<'s> {
        Box::pin(async move {
            let _ = self.asked.lock().unwrap().send(notes.clone());
            if let Ok(permit) = self.go.acquire().await {
                permit.forget();
            }
            let until = START.plus(Duration::from_secs(60)).0 / 1000;
            Ok(Known { marks: [("x".to_owned(), until)].into(), ..Known::default() })
        })
    }
}

#[test]
fn a_reply_of_before_everything_was_forgotten_cools_nobody() {
    let (sender, asked) = mpsc::channel();
    let store = Arc::new(Held { asked: Mutex::new(sender), go: Semaphore::new(0) });
    let router = with_store(store.clone());
    assert!(passes(&router));
    assert!(!asked.recv_timeout(PATIENCE).unwrap().forget);
    router.forget();
    store.go.add_permits(1);
    // The store is asked again once the first reply has been dealt with.
    let next = asked.recv_timeout(PATIENCE).unwrap();
    assert!(next.forget && next.counts.is_empty(), "{next:?}");
    assert!(!is_cooling(&router));
    store.go.add_permits(1);
    wait_for("what is said later holds", || is_cooling(&router));
    store.go.close();
}
