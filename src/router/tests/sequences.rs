//! Random sequences of faults against a small model of the rules.

use std::collections::HashMap;

use super::*;

/// What an attempt may come to, and how likely.
const FATES: [(Option<Kind>, usize); 7] = [
    (None, 50),
    (Some(Kind::InternalServer), 20),
    (Some(Kind::RateLimit), 12),
    (Some(Kind::Timeout), 6),
    (Some(Kind::Connection), 6),
    (Some(Kind::Authentication), 3),
    (Some(Kind::BadRequest), 3),
];

fn fate(random: &Random) -> Option<Kind> {
    let mut at = random.below(FATES.iter().map(|(_, weight)| weight).sum());
    for (kind, weight) in FATES {
        if at < weight {
            return kind;
        }
        at -= weight;
    }
    None
}

/// The rules, said as plainly as they can be: events in a list, nothing remembered but these.
struct Model {
    members: Vec<String>,
    allowed_fails: Option<usize>,
    cooldown: Duration,
    /// Deployment, minute, whether it worked.
    events: Vec<(String, u64, bool)>,
    cooling: HashMap<String, Moment>,
}

impl Model {
    fn is_cooling(&self, id: &str, now: Moment) -> bool {
        self.cooling.get(id).is_some_and(|until| *until > now)
    }

    fn failed(&mut self, id: &str, kind: Kind, asked: Option<Duration>, now: Moment) {
        let minute = now.minute();
        self.events.push((id.to_owned(), minute, false));
        if kind == Kind::BadRequest {
            return;
        }
        let others = self.members.iter().filter(|other| *other != id && !self.is_cooling(other, now)).count();
        if kind == Kind::RateLimit && others == 0 {
            return;
        }
        let of_minute = |worked: bool| {
            self.events.iter().filter(|event| event.0 == id && event.1 == minute && event.2 == worked).count()
        };
        let (failed, worked) = (of_minute(false), of_minute(true));
        let is_due = match self.allowed_fails {
            Some(allowed) => failed > allowed,
            None if self.members.len() == 1 => worked == 0 && failed >= 1000,
            None => {
                matches!(kind, Kind::RateLimit | Kind::Authentication)
                    || failed + worked >= 5 && failed > worked
            }
        };
        if is_due {
            self.cooling.insert(id.to_owned(), now.plus(asked.unwrap_or(self.cooldown)));
        }
    }
}

#[test]
fn sequences_of_faults_are_handled_by_the_rules() {
    for seed in 0..300u64 {
        let random = Random::seeded(seed.wrapping_mul(0x9e37_79b9) + 7);
        let count = 1 + random.below(4);
        let retries = random.below(4);
        let allowed_fails = [None, Some(0), Some(1), Some(3)][random.below(4)];
        let members: Vec<String> = (0..count).map(|at| format!("d{at}")).collect();
        let entries =
            members.iter().map(|id| entry("a", id, json!({}))).chain([entry("b", "spare", json!({}))]);
        let strategy = ["simple-shuffle", "least-busy", "power-of-two-choices"][random.below(3)];
        let settings = json!({
            "num_retries": retries,
            "allowed_fails": allowed_fails,
            "cooldown_time": 7,
            "fallbacks": [{ "a": ["b"] }],
            "routing_strategy": strategy,
        });
        let router = seeded(entries.collect(), settings, seed);
        let mut model = Model {
            members: members.clone(),
            allowed_fails,
            cooldown: Duration::from_secs(7),
            events: Vec::new(),
            cooling: HashMap::new(),
        };
        for _ in 0..60 {
            router.clock.advance(Duration::from_millis(random.below(2500) as u64));
            one_call(&router, &mut model, retries, &random, seed);
        }
        for deployment in &router.view().table.deployments {
            assert_eq!(deployment.live.in_flight(), 0, "seed {seed}");
        }
    }
}

fn one_call(router: &Arc<Router>, model: &mut Model, retries: usize, random: &Random, seed: u64) {
    let mut plan = plan(router, json!({ "model": "a" }));
    let mut tried: Vec<String> = Vec::new();
    let (mut attempts, mut waits) = (0, 0);
    let mut last = None;
    loop {
        let now = router.clock.now();
        match plan.next(now) {
            Step::Wait(wait) => {
                waits += 1;
                let untried = |id: &&String| !tried.contains(id) && !model.is_cooling(id, now);
                let fresh = model.members.iter().find(untried);
                assert_eq!(fresh, None, "seed {seed}: a wait although another could be tried");
                assert!(wait <= Duration::from_secs(8) && !wait.is_zero(), "seed {seed}: {wait:?}");
                router.clock.advance(wait);
            }
            Step::Call(attempt) => {
                let id = id(&attempt);
                if id == "spare" {
                    // The group has failed, or no member may be asked: the fallback ends the call well.
                    let none_left = model.members.iter().all(|id| model.is_cooling(id, now));
                    assert!(attempts > 0 || none_left, "seed {seed}: a fallback without need");
                    let (_, routing) = plan.succeeded(attempt, now);
                    assert_eq!((routing.fallbacks, &*routing.group), (1, "b"), "seed {seed}");
                    return;
                }
                assert!(!model.is_cooling(&id, now), "seed {seed}: {id} is to be left alone");
                let untried = |id: &&String| !tried.contains(id) && !model.is_cooling(id, now);
                if tried.contains(&id) {
                    assert_eq!(
                        model.members.iter().find(untried),
                        None,
                        "seed {seed}: {id} was tried already"
                    );
                }
                attempts += 1;
                assert!(attempts <= retries + 1, "seed {seed}: more attempts than allowed");
                router.clock.advance(Duration::from_millis(random.below(400) as u64));
                let now = router.clock.now();
                match fate(random) {
                    None => {
                        model.events.push((id, now.minute(), true));
                        let (_, routing) = plan.succeeded(attempt, now);
                        assert_eq!(routing.retries as usize, attempts - 1, "seed {seed}");
                        assert_eq!(routing.attempts.len(), attempts, "seed {seed}");
                        return;
                    }
                    Some(kind) => {
                        let mut error = Error::new(kind, "boom");
                        let asks = kind == Kind::RateLimit && random.below(2) == 0;
                        error.facts_mut().retry_after = asks.then(|| Duration::from_secs(2));
                        model.failed(&id, kind, error.facts().retry_after, now);
                        last = Some(kind);
                        tried.push(id);
                        plan.failed(attempt, error, now, 0);
                    }
                }
                check(router, model, now, seed);
            }
            Step::Queue => panic!("seed {seed}: nothing is limited"),
            Step::Fail(error) => {
                panic!("seed {seed}: {error} after {attempts} attempts, {waits} waits, {last:?}")
            }
        }
    }
}

/// The cooldown table is what the rules say.
fn check(router: &Arc<Router>, model: &Model, now: Moment, seed: u64) {
    for id in &model.members {
        let left = router.view().table.by_id(id).unwrap().live.cooldown(now);
        let wanted = model.cooling.get(id).filter(|until| **until > now).map(|until| until.since(now));
        assert_eq!(left, wanted, "seed {seed}: {id}");
    }
}
