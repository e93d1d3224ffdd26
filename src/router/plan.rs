//! What to do next for one call: a state machine without I/O. It is told what became of each attempt, and when.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::affinity::{self, Tie};
use super::clock::{Clock, Moment};
use super::cooldown::{self, Company};
use super::deployment::Deployment;
use super::fallback::{Fallbacks, Hop};
use super::groups::{Found, Group, merged};
use super::hedging::Percentile;
use super::lease::Lease;
use super::limits::{Checks, Refusal, TagRule};
use super::live::Latency;
use super::policy::{Blame, blame};
use super::queue::Place;
use super::request::Asked;
use super::strategy::Choice;
use super::{Router, RouterSettings, View, unknown_group};
use crate::engine::{AttemptRecord, Failure, Keywords, Routing};
use crate::error::{Error, Kind, Result};
use crate::json::Map;

/// How deep fallbacks of fallbacks go.
const DEEPEST: usize = 5;
/// The longest wait that an upstream may ask for before a retry; beyond it the call goes elsewhere (ERR-11).
const LONGEST_WAIT: Duration = Duration::from_secs(60);
const FIRST_WAIT: Duration = Duration::from_millis(500);
const MAX_WAIT: Duration = Duration::from_secs(8);
const CONFLICT: u16 = 409;
/// The longest a call waits for a deployment to be free, where it has no time limit.
const LONGEST_QUEUE: Duration = Duration::from_secs(600);
/// What a time-out counts as in the mean that latency-based routing looks at, in seconds.
const TIMED_OUT: f64 = 1000.0;

/// What is to be done next.
#[derive(Debug)]
pub enum Step {
    Call(Attempt),
    Wait(Duration),
    /// Every deployment that may take the call is taken: one may be free soon.
    Queue,
    Fail(Error),
}

/// One request to one deployment.
#[derive(Debug)]
pub struct Attempt {
    pub lease: Lease,
    pub began: Moment,
    pub is_hedge: bool,
    /// The upstream model, when a wildcard decides it.
    pub model: Option<String>,
}

impl Attempt {
    pub fn deployment(&self) -> &Arc<Deployment> {
        &self.lease.deployment
    }
}

/// The plan of one call.
#[derive(Debug)]
pub struct Plan {
    router: Option<Arc<Router>>,
    view: Arc<View>,
    pub asked: Asked,
    /// Where to go on when the current group has failed, the next one last.
    todo: Vec<(Hop, usize)>,
    current: Option<Current>,
    /// Groups that have been tried, so that fallbacks run in no circle.
    visited: Vec<String>,
    wait: Option<Duration>,
    /// What the first group failed with, which is what the caller gets.
    error: Option<Error>,
    /// The fallbacks that failed, too: their names and what with.
    failed: Vec<(String, Kind)>,
    fallbacks: u32,
    attempts: Vec<AttemptRecord>,
    retries: u32,
    retries_allowed: u32,
}

/// The group that is being tried.
#[derive(Debug)]
struct Current {
    hop: Hop,
    depth: usize,
    found: Found,
    tags: TagRule,
    /// Tiers before this one have failed.
    tier: usize,
    /// Deployments that have failed in this call.
    tried: Vec<Arc<str>>,
    ties: Vec<Tie>,
}

/// Why no deployment took a call.
struct Refused {
    refusals: Vec<(Arc<str>, Refusal)>,
}

impl Plan {
    /// The time by the router's clock.
    pub fn now(&self) -> Moment {
        self.router.as_ref().map_or_else(|| Clock::system().now(), |router| router.clock.now())
    }

    /// Whether a stream that breaks off is to go on elsewhere.
    pub fn continues_streams(&self) -> bool {
        self.settings().continue_streams
    }

    pub fn router(&self) -> Option<&Arc<Router>> {
        self.router.as_ref()
    }

    /// The plan of a call to a router.
    pub fn new(router: Arc<Router>, asked: Asked) -> Result<Self> {
        let view = router.view();
        let mut plan = Self::empty(Some(router), view, asked);
        plan.start()?;
        Ok(plan)
    }

    /// The plan of a call without a router: its model, and the fallbacks that it has itself.
    pub fn bare(asked: Asked) -> Result<Self> {
        let mut plan = Self::empty(None, Arc::default(), asked);
        plan.start()?;
        Ok(plan)
    }

    fn empty(router: Option<Arc<Router>>, view: Arc<View>, asked: Asked) -> Self {
        Self {
            router,
            view,
            asked,
            todo: Vec::new(),
            current: None,
            visited: Vec::new(),
            wait: None,
            error: None,
            failed: Vec::new(),
            fallbacks: 0,
            attempts: Vec::new(),
            retries: 0,
            retries_allowed: 0,
        }
    }

    fn start(&mut self) -> Result<()> {
        let hop = Hop::to(&self.asked.model);
        if let Err(error) = self.enter(hop, 0) {
            // A group that nobody knows may have default fallbacks.
            self.error = Some(error);
            return self.fall_back(0, &[&self.asked.model.clone()], Kind::NotFound);
        }
        if let Some(kind) = self.asked.mock_failure {
            let model = self.asked.model.clone();
            let error =
                Error::new(kind, format!("this is a mocked failure of model={model}, to test fallbacks"));
            self.error = Some(error);
            return self.fall_back(0, &[&model], kind);
        }
        Ok(())
    }

    fn settings(&self) -> &RouterSettings {
        &self.view.settings
    }

    /// Makes a hop's group the current one.
    fn enter(&mut self, hop: Hop, depth: usize) -> Result<()> {
        let found = match &self.router {
            Some(_) => self.view.table.find(&hop.model),
            None => {
                let member = Arc::new(Deployment::bare(&hop.model));
                let group = Arc::new(Group::new(member.group.clone(), &[member]));
                Some(Found { group, caught: None })
            }
        };
        let Some(found) = found else { return Err(unknown_group(&hop.model)) };
        let ties = match &self.router {
            Some(_) => affinity::ties(self.settings(), &found.group.name, &self.asked.keywords),
            None => Vec::new(),
        };
        self.visited.push(hop.model.clone());
        let tags = TagRule::of(self.settings(), &self.asked, &found.group);
        self.current = Some(Current { hop, depth, found, tags, tier: 0, tried: Vec::new(), ties });
        self.retries = 0;
        Ok(())
    }

    /// What to do next. After a `Call`, its outcome is to be reported first.
    pub fn next(&mut self, now: Moment) -> Step {
        let step = self.look(now);
        if let Step::Call(attempt) = &step {
            self.tell(attempt.deployment(), now);
        }
        step
    }

    /// Other processes are told of a request.
    fn tell(&self, deployment: &Deployment, now: Moment) {
        if let Some(router) = &self.router
            && let Some(together) = router.together()
        {
            together.start(router);
            together.count(deployment, 'r', 1, now);
        }
    }

    /// The same, of which nobody else is told.
    fn look(&mut self, now: Moment) -> Step {
        if let Some(wait) = self.wait.take() {
            return Step::Wait(wait);
        }
        loop {
            let Some(current) = &self.current else { return Step::Fail(self.final_error()) };
            let Some(router) = &self.router else {
                let Some(only) = current.found.group.members().next() else {
                    return Step::Fail(self.final_error());
                };
                let lease = Lease::uncounted(only.clone());
                return Step::Call(Attempt { lease, began: now, is_hedge: false, model: None });
            };
            match self.pick(router, current, now, None) {
                Ok((lease, tier)) => {
                    let model = current.found.model_of(&lease.deployment);
                    if let Some(current) = &mut self.current {
                        current.tier = tier;
                    }
                    return Step::Call(Attempt { lease, began: now, is_hedge: false, model });
                }
                Err(refused) => {
                    let waits = self.asked.priority.or(self.settings().default_priority).is_some();
                    let is_full = |(_, refusal): &(Arc<str>, Refusal)| match refusal {
                        Refusal::Full => true,
                        Refusal::Cooling(_) | Refusal::Minute => waits,
                        Refusal::Context | Refusal::Region | Refusal::Tags => false,
                    };
                    if refused.refusals.iter().any(is_full) {
                        return Step::Queue;
                    }
                    let error = self.unavailable(current, &refused, now);
                    self.leave(error);
                }
            }
        }
    }

    /// A deployment of the current group, begun; and the number of its tier. `other_than` is one that is to be
    /// passed over for good.
    fn pick(
        &self,
        router: &Arc<Router>,
        current: &Current,
        now: Moment,
        other_than: Option<&Deployment>,
    ) -> Result<(Lease, usize), Refused> {
        let settings = self.settings();
        let checks = Checks { settings, asked: &self.asked, tags: current.tags, now };
        let choice = Choice {
            random: &router.random,
            now,
            streams: self.asked.streams,
            latency_ttl: settings.latency_ttl,
            latency_buffer: settings.latency_buffer,
            listed: &router.prices,
        };
        let is_same = |one: &Deployment| other_than.is_some_and(|other| other.id == one.id);
        if other_than.is_none()
            && current.tried.is_empty()
            && let Some(id) = router.affinity.of(&current.ties, now)
            && let Some(tied) = current.found.group.members().find(|one| one.id == id)
            && checks.refusal(tied).is_none()
            && checks.take(tied)
        {
            return Ok((Lease::begun(router.clone(), tied.clone()), current.tier));
        }
        // First those that have not failed in this call, then any.
        let passes: &[bool] = if current.tried.is_empty() { &[true] } else { &[false, true] };
        for (number, tier) in current.found.group.tiers.iter().enumerate().skip(current.tier) {
            for again in passes {
                let admits = |one: &Deployment| {
                    !is_same(one)
                        && (*again || !current.tried.contains(&one.id))
                        && checks.refusal(one).is_none()
                };
                // Another call may take the last place between the choice and its taking.
                for _ in 0..=tier.members.len() {
                    let Some(chosen) = choice.of(settings.strategy, tier, &admits) else { break };
                    if checks.take(chosen) {
                        return Ok((Lease::begun(router.clone(), chosen.clone()), number));
                    }
                }
            }
        }
        let members = current.found.group.tiers.iter().skip(current.tier).flat_map(|tier| &tier.members);
        let refusals = members.filter_map(|one| Some((one.id.clone(), checks.refusal(one)?))).collect();
        Err(Refused { refusals })
    }

    /// A deployment as a call would get, which is not begun.
    pub(super) fn choose(mut self) -> Result<Arc<Deployment>> {
        let Some(now) = self.router.as_ref().map(|router| router.clock.now()) else {
            return Err(self.final_error());
        };
        match self.look(now) {
            Step::Call(attempt) => {
                let deployment = attempt.deployment().clone();
                deployment.live.requests.subtract(now.minute(), 1);
                Ok(deployment)
            }
            Step::Fail(error) => Err(error),
            Step::Wait(_) | Step::Queue => {
                let error = Error::new(Kind::NoDeployment, "Every deployment is taken.");
                Err(error.with_param("model"))
            }
        }
    }

    /// The group that a deployment is wanted from; `None` when nothing is to be called now.
    pub fn wants(&self) -> Option<&str> {
        let current = self.current.as_ref().filter(|_| self.wait.is_none())?;
        Some(&current.hop.model)
    }

    /// The deployment with an id in the current group, begun: for those who choose by themselves.
    pub fn take(&mut self, id: &str, now: Moment) -> Option<Attempt> {
        self.wants()?;
        let router = self.router.clone()?;
        let current = self.current.as_ref()?;
        let members = current.found.group.members();
        let chosen = members.chain(&self.view.table.deployments).find(|one| &*one.id == id)?.clone();
        chosen.live.requests.add(now.minute(), 1);
        chosen.live.begin();
        let model = current.found.model_of(&chosen);
        self.tell(&chosen, now);
        let lease = Lease::begun(router, chosen);
        Some(Attempt { lease, began: now, is_hedge: false, model })
    }

    /// A place among the calls that wait for a deployment of the current group.
    pub fn queue(&self) -> Result<Place> {
        let (Some(router), Some(current)) = (&self.router, &self.current) else {
            return Err(self.waited_too_long());
        };
        let priority = self.asked.priority.or(self.settings().default_priority).unwrap_or_default();
        router.queue.join(&current.found.group.name, priority)
    }

    /// Whether a place is among those of the current group.
    pub fn queues_at(&self, place: &Place) -> bool {
        self.current.as_ref().is_some_and(|current| current.found.group.name == *place.group())
    }

    /// The time between two looks for a deployment.
    pub fn polling(&self) -> Duration {
        self.settings().polling
    }

    /// How long the call may wait for a deployment to be free: as long as its request may take, at the most patient one
    /// of the deployments.
    pub fn longest_queue(&self) -> Duration {
        let names: &[&str] = if self.asked.streams { &["stream_timeout", "timeout"] } else { &["timeout"] };
        let limit = |keywords: &Map| {
            let given = names.iter().find_map(|name| keywords.get(*name)?.as_f64());
            let limit = given.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            limit.filter(|limit| !limit.is_zero())
        };
        let members = self.current.iter().flat_map(|current| current.found.group.members());
        let of_call =
            limit(&self.asked.keywords).or_else(|| members.filter_map(|one| limit(&one.params)).max());
        of_call.or_else(|| limit(&self.settings().defaults)).unwrap_or(LONGEST_QUEUE)
    }

    pub fn waited_too_long(&self) -> Error {
        Error::new(Kind::Timeout, "No deployment was free within the time of the call.")
    }

    /// The keywords of the request that an attempt makes.
    pub fn keywords(&self, attempt: &Attempt) -> Keywords {
        let deployment = attempt.deployment();
        merged(self.replaced(attempt), &[&self.asked.keywords, &deployment.params, &self.settings().defaults])
    }

    /// Keywords that stand for an attempt, whatever the caller and the deployment say.
    pub fn replaced(&self, attempt: &Attempt) -> Keywords {
        let mut keywords = Map::with_capacity(self.asked.keywords.len() + 8);
        if let Some(current) = &self.current {
            keywords.clone_from(&current.hop.overrides);
        }
        if let Some(model) = &attempt.model {
            keywords.insert("model".into(), model.clone().into());
        }
        if self.router.is_some() {
            // One budget of retries: the plan's (ERR-14).
            keywords.insert("num_retries".into(), 0.into());
            keywords.insert("max_retries".into(), 0.into());
        }
        keywords
    }

    /// The latencies that say when the current call is slow, where there are second requests.
    fn percentile(&self) -> Option<(Arc<Percentile>, super::settings::Hedging)> {
        let (router, hedging) = (self.router.as_ref()?, self.settings().hedging?);
        Some((router.percentiles.of(&self.current.as_ref()?.found.group.name), hedging))
    }

    /// After how long a second request is due; `None` when there is to be none.
    pub fn slow_after(&self) -> Option<Duration> {
        let (percentile, hedging) = self.percentile()?;
        percentile.earn(hedging);
        percentile.slow_after()
    }

    /// A second request beside one that is slow, preferably elsewhere.
    pub fn hedge(&self, slow: &Deployment, now: Moment) -> Option<Attempt> {
        let (percentile, _) = self.percentile()?;
        let (router, current) = (self.router.as_ref()?, self.current.as_ref()?);
        let elsewhere = self.pick(router, current, now, Some(slow));
        let (lease, _) = elsewhere.or_else(|_| self.pick(router, current, now, None)).ok()?;
        if !percentile.spend() {
            lease.deployment.live.requests.subtract(now.minute(), 1);
            return None;
        }
        self.tell(&lease.deployment, now);
        let model = current.found.model_of(&lease.deployment);
        Some(Attempt { lease, began: now, is_hedge: true, model })
    }

    /// An attempt has brought its answer, or the first content of a stream. Returns its lease, and how the call was
    /// carried out so far.
    pub fn succeeded(&mut self, attempt: Attempt, now: Moment) -> (Lease, Routing) {
        self.record(&attempt, now, None, false);
        let Attempt { lease, began, is_hedge, .. } = attempt;
        if self.router.is_some() {
            let elapsed = now.since(began);
            let latency = Latency { seconds: elapsed.as_secs_f64(), is_first_content: self.asked.streams };
            lease.deployment.live.measure(latency, self.settings().latency_window, now);
            lease.deployment.live.successes.add(now.minute(), 1);
            lease.deployment.live.totals.succeed();
            if let Some(together) = self.router.as_ref().and_then(|router| router.together()) {
                together.took(&lease.deployment, lease.deployment.live.average().unwrap_or_default());
            }
            self.count_latency(is_hedge, elapsed);
            if let (Some(router), Some(current)) = (&self.router, &self.current) {
                let (id, ttl) = (&lease.deployment.id, self.settings().affinity_ttl);
                router.affinity.remember(&current.ties, id, ttl, now);
            }
        }
        let routing = self.routing(&lease.deployment);
        (lease, routing)
    }

    /// The group that is being tried, by the name that led to it.
    pub fn group(&self) -> &str {
        self.current.as_ref().map_or(self.asked.model.as_str(), |current| &current.hop.model)
    }

    /// How the call was carried out so far.
    pub fn routing(&self, deployment: &Deployment) -> Routing {
        let group = self.group();
        Routing {
            deployment: deployment.id.clone(),
            group: group.into(),
            retries: self.retries,
            retries_allowed: self.retries_allowed,
            fallbacks: self.fallbacks,
            attempts: self.attempts.clone(),
        }
    }

    /// A response that only its deployment holds: calls that go on from it go there.
    pub fn holds_response(&self, id: &str, deployment: &Deployment, now: Moment) {
        if let Some(router) = &self.router {
            let ttl = self.settings().affinity_ttl;
            router.affinity.remember(&[affinity::of_response(id)], &deployment.id, ttl, now);
        }
    }

    /// Another attempt was faster.
    pub fn abandoned(&mut self, attempt: &Attempt, now: Moment) {
        self.record(attempt, now, None, true);
        self.count_latency(attempt.is_hedge, now.since(attempt.began));
    }

    /// One latency a call: its first request's, though that may have been given up before its end.
    fn count_latency(&self, is_hedge: bool, elapsed: Duration) {
        if let Some((percentile, hedging)) = self.percentile().filter(|_| !is_hedge) {
            percentile.add(elapsed, hedging);
        }
    }

    fn record(&mut self, attempt: &Attempt, now: Moment, failure: Option<Failure>, is_abandoned: bool) {
        let deployment = attempt.deployment();
        let group = self.current.as_ref().map_or("", |current| &current.hop.model);
        self.attempts.push(AttemptRecord {
            deployment: deployment.id.clone(),
            group: group.into(),
            model: attempt.model.clone().unwrap_or_else(|| deployment.model.clone()),
            began: attempt.began.0,
            ended: now.0,
            is_hedge: attempt.is_hedge,
            failure,
            is_abandoned,
        });
    }

    /// An attempt has failed, before any of its content was handed out. `others` attempts are still under way: while
    /// there are any, nothing new is planned.
    pub fn failed(&mut self, attempt: Attempt, error: Error, now: Moment, others: usize) {
        let failure =
            Failure { kind: error.kind(), status: error.status(), message: error.message().to_owned() };
        self.record(&attempt, now, Some(failure), false);
        let deployment = attempt.deployment().clone();
        if self.router.is_some() {
            if error.kind() == Kind::Timeout {
                let latency = Latency { seconds: TIMED_OUT, is_first_content: self.asked.streams };
                deployment.live.add_to_mean(latency, self.settings().latency_window, now);
                // In the moving average it has taken as long as it has: one of the other kind would stay for hours.
                deployment.live.add_to_average(now.since(attempt.began).as_secs_f64());
            }
            self.punish(&deployment, &error, now);
        }
        if let Some(current) = &mut self.current {
            current.tried.push(deployment.id.clone());
        }
        drop(attempt);
        if others > 0 {
            return;
        }
        match self.retry_after(&deployment, &error, now) {
            Some(wait) => {
                self.retries += 1;
                tracing::debug!(deployment = %deployment.id, wait_ms = wait.as_millis(), error = %error, "retry");
                self.wait = (!wait.is_zero()).then_some(wait);
                self.remember(error);
            }
            None => self.leave(error),
        }
    }

    /// Counts a failure against its deployment, which may be left alone for a while.
    fn punish(&self, deployment: &Deployment, error: &Error, now: Moment) {
        cooldown::count(deployment, error.kind(), now);
        deployment.live.totals.fail(error.kind(), error.status());
        let Some(current) = &self.current else { return };
        let (mut members, mut healthy_others) = (0, 0);
        for member in current.found.group.members() {
            members += 1;
            if member.id != deployment.id && member.live.cooldown(now).is_none() {
                healthy_others += 1;
            }
        }
        let company = Company { members, healthy_others };
        if let Some(span) = cooldown::after_failure(self.settings(), deployment, error, company, now) {
            tracing::info!(deployment = %deployment.id, seconds = span.as_secs_f64(), error = %error, "cooldown");
            deployment.live.cool_until(now.plus(span));
            deployment.live.totals.cool();
            if let Some(together) = self.router.as_ref().and_then(|router| router.together()) {
                together.cools(deployment, now.plus(span));
            }
        }
    }

    /// The wait before another attempt in this group; `None` when there is to be none.
    fn retry_after(&mut self, failed: &Deployment, error: &Error, now: Moment) -> Option<Duration> {
        let router = self.router.clone()?;
        let settings = &self.view.settings;
        let current = self.current.as_ref()?;
        let group = &current.hop.model;
        let policy = settings.retry_policy(group).and_then(|policy| policy.of(error.kind()));
        let own = failed.given.get("num_retries").and_then(Value::as_u64);
        let own = own.and_then(|count| u32::try_from(count).ok());
        let allowed = policy.or(self.asked.retries).or(own).unwrap_or(settings.retries);
        self.retries_allowed = allowed;
        if self.retries >= allowed {
            return None;
        }
        let checks = Checks { settings, asked: &self.asked, tags: current.tags, now };
        let tier = current.found.group.tiers.get(current.tier)?;
        let is_fresh =
            |one: &&Arc<Deployment>| !current.tried.contains(&one.id) && checks.refusal(one).is_none();
        let elsewhere = tier.members.iter().any(|one| is_fresh(&one));
        match blame(error.kind()) {
            // A conflict passes, though its kind is that of a wrong request (ERR-09).
            _ if policy.is_some() || error.status() == CONFLICT => {}
            Blame::Request => return None,
            Blame::Deployment if !elsewhere => return None,
            Blame::Deployment | Blame::Passing => {}
        }
        if elsewhere {
            return Some(Duration::ZERO);
        }
        if !tier.members.iter().any(|one| checks.refusal(one).is_none()) {
            return None;
        }
        let wait = match error.facts().retry_after {
            Some(asked) if asked > LONGEST_WAIT => return None,
            Some(asked) => asked,
            None => {
                let doubled = FIRST_WAIT.saturating_mul(2u32.saturating_pow(self.retries)).min(MAX_WAIT);
                doubled.mul_f64(0.75 + 0.25 * router.random.unit())
            }
        };
        Some(wait.max(settings.retry_after))
    }

    /// Whether no fallback has been needed so far.
    pub fn is_in_first_group(&self) -> bool {
        self.fallbacks == 0
    }

    /// Keeps what the caller is to get when nothing works: the last error of the first group.
    fn remember(&mut self, error: Error) {
        let is_first = self.current.as_ref().is_none_or(|current| current.depth == 0 && self.fallbacks == 0);
        if is_first || self.error.is_none() {
            // A failed attempt says more than that there is no deployment left after it.
            if error.kind() != Kind::NoDeployment || self.error.is_none() {
                self.error = Some(error);
            }
        }
    }

    /// The current group has failed for good.
    fn leave(&mut self, mut error: Error) {
        let Some(current) = &mut self.current else { return };
        if self.retries > 0 {
            let facts = error.facts_mut();
            facts.attempts = self.retries;
            facts.attempts_allowed = self.retries_allowed;
        }
        let kind = error.kind();
        let (model, depth) = (current.hop.model.clone(), current.depth);
        let group = current.found.group.name.clone();
        // Deployments of the next order, unless the request itself is at fault.
        let has_next = current.found.group.tiers.len() > current.tier + 1;
        let is_first = depth == 0 && self.fallbacks == 0;
        if !is_first {
            self.failed.push((model.clone(), kind));
        }
        if has_next && !self.asked.disable_fallbacks && kind != Kind::NoDeployment {
            current.tier += 1;
            self.remember(error);
            self.retries = 0;
            self.fallbacks += 1;
            return;
        }
        self.remember(error);
        self.current = None;
        if self.fall_back(depth, &[&model, &group], kind).is_err() {
            self.current = None;
        }
    }

    /// Goes on with the fallbacks of a group, by the name that led to it or its own, or with what is left of earlier ones.
    fn fall_back(&mut self, depth: usize, names: &[&str], kind: Kind) -> Result<()> {
        self.current = None;
        if !self.asked.disable_fallbacks && depth < DEEPEST {
            let hops = self.hops(names, kind, depth);
            self.todo.extend(hops.into_iter().rev().map(|hop| (hop, depth + 1)));
        }
        let limit = self.asked.max_fallbacks.or(self.settings().max_fallbacks);
        while let Some((hop, depth)) = self.todo.pop() {
            if limit.is_some_and(|limit| self.fallbacks >= limit) {
                break;
            }
            // The same group may be tried again with other keywords.
            if hop.overrides.is_empty() && self.visited.contains(&hop.model) {
                continue;
            }
            self.fallbacks += 1;
            tracing::info!(from = names.first(), to = %hop.model, "fallback");
            let name = hop.model.clone();
            match self.enter(hop, depth) {
                Ok(()) => return Ok(()),
                Err(error) => self.failed.push((name, error.kind())),
            }
        }
        Err(self.error.take().map_or_else(
            || unknown_group(&self.asked.model),
            |error| {
                let copy = copy_of(&error);
                self.error = Some(error);
                copy
            },
        ))
    }

    /// The fallbacks of a group for a kind of failure: the call's own come first.
    fn hops(&self, names: &[&str], kind: Kind, depth: usize) -> Vec<Hop> {
        let settings = self.settings();
        let general = (&self.asked.fallbacks, &settings.fallbacks);
        let special = match kind {
            Kind::ContextWindowExceeded => {
                Some((&self.asked.context_window_fallbacks, &settings.context_window_fallbacks))
            }
            Kind::ContentPolicy => {
                Some((&self.asked.content_policy_fallbacks, &settings.content_policy_fallbacks))
            }
            _ => None,
        };
        let under = |fallbacks: &Fallbacks| {
            let exact = names.iter().find_map(|name| fallbacks.of_name(name));
            exact.or_else(|| fallbacks.of_all()).map(<[Hop]>::to_vec)
        };
        let of = |(own, routers): (&Option<Fallbacks>, &Fallbacks)| {
            // What a call says is for its own group; the groups it leads to have the router's.
            let own = own.as_ref().filter(|_| depth == 0).and_then(under);
            own.or_else(|| under(routers))
        };
        special
            .and_then(of)
            .or_else(|| of(general))
            .or_else(|| under(&settings.default_fallbacks))
            .unwrap_or_default()
    }

    fn final_error(&mut self) -> Error {
        let mut error = self.error.take().unwrap_or_else(|| unknown_group(&self.asked.model));
        if let Some(last) = self.attempts.last() {
            error.facts_mut().deployment.get_or_insert_with(|| last.deployment.to_string());
        }
        if !self.failed.is_empty() {
            let names: Vec<String> =
                self.failed.iter().map(|(name, kind)| format!("{name} ({})", kind.class_name())).collect();
            let facts = error.facts_mut();
            facts.message = format!("{} Fallbacks that failed, too: {}.", facts.message, names.join(", "));
        }
        error
    }

    /// The error of a group whose deployments all refuse.
    fn unavailable(&self, current: &Current, refused: &Refused, now: Moment) -> Error {
        let name = &current.hop.model;
        let cooling: Vec<&str> = refused
            .refusals
            .iter()
            .filter(|(_, refusal)| matches!(refusal, Refusal::Cooling(_)))
            .map(|(id, _)| &**id)
            .collect();
        let all = |wanted: Refusal| refused.refusals.iter().all(|(_, refusal)| *refusal == wanted);
        if !refused.refusals.is_empty() && all(Refusal::Context) {
            let what = format!("The prompt is longer than any deployment of model={name} takes.");
            return Error::new(Kind::ContextWindowExceeded, what).with_param("messages");
        }
        let waits = refused.refusals.iter().filter_map(|(_, refusal)| match refusal {
            Refusal::Cooling(left) => Some(*left),
            Refusal::Minute => Some(now.rest_of_minute()),
            Refusal::Full | Refusal::Context | Refusal::Region | Refusal::Tags => None,
        });
        let wait = waits.min().unwrap_or(self.settings().cooldown_time);
        let mut error = Error::new(
            Kind::NoDeployment,
            format!("No deployments available for selected model. Passed model={name}"),
        );
        let ids: Vec<&str> = current.found.group.members().map(|one| &*one.id).collect();
        let facts = error.facts_mut();
        facts.retry_after = Some(wait);
        facts.model = Some(name.clone());
        facts.body = Some(serde_json::json!({
            "cooldown_list": cooling,
            "model_ids": ids,
            "enable_pre_call_checks": self.settings().pre_call_checks,
        }));
        error
    }

    /// A stream has broken off. What goes on from there, if anything is to: another deployment, or a fallback.
    pub fn broke_off(&mut self, deployment: &Arc<Deployment>, error: &Error, goes_on: bool, now: Moment) {
        if self.router.is_some() {
            deployment.live.successes.subtract(now.minute(), 1);
            self.punish(deployment, error, now);
        }
        if !goes_on {
            return;
        }
        if let Some(current) = &mut self.current {
            current.tried.push(deployment.id.clone());
        }
        let kept = copy_of(error);
        match self.retry_after(deployment, error, now) {
            Some(_) => self.retries += 1,
            None => self.leave(kept),
        }
    }
}

/// An error without its source.
fn copy_of(error: &Error) -> Error {
    let mut copy = Error::new(error.kind(), error.message().to_owned());
    let (from, to) = (error.facts(), copy.facts_mut());
    to.provider.clone_from(&from.provider);
    to.model.clone_from(&from.model);
    to.deployment.clone_from(&from.deployment);
    to.status = from.status;
    to.code.clone_from(&from.code);
    to.param.clone_from(&from.param);
    to.retry_after = from.retry_after;
    to.body.clone_from(&from.body);
    copy
}
