//! Two routers on one Redis. Skipped where there is no `redis-server`.

use std::process::{Child, Command, Stdio};
use std::time::Instant;

use super::*;
use crate::store::together::RedisTogether;

struct Server(Child, String);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn redis() -> Option<Server> {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let mut command = Command::new("redis-server");
    command.args(["--port", &port, "--save", "", "--appendonly", "no", "--bind", "127.0.0.1"]);
    let Ok(child) = command.stdout(Stdio::null()).spawn() else {
        println!("skipped: there is no redis-server");
        return None;
    };
    let began = Instant::now();
    while std::net::TcpStream::connect(format!("127.0.0.1:{port}")).is_err() {
        assert!(began.elapsed() < Duration::from_secs(10), "redis-server does not answer");
        std::thread::sleep(Duration::from_millis(20));
    }
    Some(Server(child, format!("redis://127.0.0.1:{port}/0")))
}

fn sharing(server: &Server) -> Arc<Router> {
    let entries = [entry("a", "x", json!({ "rpm": 2000 }))];
    let deployments = entries.iter().map(|entry| Arc::new(Deployment::read(entry).unwrap())).collect();
    let Value::Object(settings) =
        json!({ "enable_pre_call_checks": true, "allowed_fails": 0, "cooldown_time": 60 })
    else {
        panic!("an object")
    };
    let router = Router::new(deployments, RouterSettings::read(&settings).unwrap());
    Arc::new(router.sharing(Arc::new(RedisTogether::new(&server.1, "test").unwrap())))
}

/// A minute with time left in it.
fn wait_for_room(router: &Router) {
    while router.clock.now().rest_of_minute() < Duration::from_secs(15) {
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Calls as fast as they go, with a pause after each: how many were let through.
fn hammer(router: &Arc<Router>, span: Duration) -> usize {
    let (began, mut passed) = (Instant::now(), 0);
    while began.elapsed() < span {
        if let Step::Call(attempt) = plan(router, json!({ "model": "a" })).next(router.clock.now()) {
            drop(attempt);
            passed += 1;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    passed
}

#[test]
fn two_routers_hold_one_limit() {
    let Some(server) = redis() else { return };
    let routers = [sharing(&server), sharing(&server)];
    wait_for_room(&routers[0]);
    let running = routers.map(|router| std::thread::spawn(move || hammer(&router, Duration::from_secs(6))));
    let passed: usize = running.into_iter().map(|one| one.join().unwrap()).sum();
    assert!((1960..=2040).contains(&passed), "{passed} of 2000");
}

#[test]
fn cooldowns_are_shared_and_a_dead_redis_stops_nobody() {
    let Some(mut server) = redis() else { return };
    let (one, two) = (sharing(&server), sharing(&server));
    wait_for_room(&one);
    // Each has begun to share with its first call.
    for router in [&one, &two] {
        assert_eq!(hammer(router, Duration::from_millis(3)).min(1), 1);
    }
    all_fail(&mut plan(&one, json!({ "model": "a", "num_retries": 0 })), &of(Kind::InternalServer));
    let is_cooling = || two.view().table.by_id("x").unwrap().live.cooldown(two.clock.now()).is_some();
    let began = Instant::now();
    while !is_cooling() {
        assert!(began.elapsed() < Duration::from_secs(10), "the cooldown is not shared");
        std::thread::sleep(Duration::from_millis(10));
    }
    one.forget();
    let _ = server.0.kill();
    let _ = server.0.wait();
    let passed = hammer(&one, Duration::from_millis(300));
    assert!(passed > 50, "{passed}");
}
