//! Calls and their results: each once, none without the other (BED-14, GEN-13 … GEN-15).

use std::collections::HashSet;

use serde_json::{Value, json};

use super::messages::Turn;
use crate::error::{Error, Result};

/// Removes what comes twice, puts results first, and then repairs or refuses what does not match. Repaired, results
/// have a turn of their own, and `filler` is said behind it (BED-08).
pub fn settle(turns: &mut Vec<Turn>, repair: bool, filler: &str) -> Result<()> {
    for turn in turns.iter_mut() {
        if turn.role == "assistant" {
            once(&mut turn.content, "toolUse");
        } else {
            once(&mut turn.content, "toolResult");
            results_first(&mut turn.content);
        }
    }
    let mut at = 0;
    while at <= turns.len() {
        let calls = at.checked_sub(1).map_or_else(Vec::new, |before| ids(turns.get(before), "toolUse"));
        let results = ids(turns.get(at), "toolResult");
        let unanswered: Vec<&String> = calls.iter().filter(|id| !results.contains(id)).collect();
        let orphans: Vec<&String> = results.iter().filter(|id| !calls.contains(id)).collect();
        if repair {
            if let Some(turn) = turns.get_mut(at) {
                remove(&mut turn.content, "toolResult", |id| orphans.iter().any(|orphan| *orphan == id));
            }
            answer(turns, at, &unanswered);
        } else if !unanswered.is_empty() {
            return Err(unpaired("tool calls without a result in the next messages", &unanswered));
        } else if !orphans.is_empty() {
            return Err(unpaired(
                "tool results without a call in the assistant message before them",
                &orphans,
            ));
        }
        at += 1;
    }
    turns.retain(|turn| !turn.content.is_empty());
    if repair {
        *turns = std::mem::take(turns).into_iter().flat_map(|turn| separated(turn, filler)).collect();
    }
    Ok(())
}

fn separated(mut turn: Turn, filler: &str) -> Vec<Turn> {
    let mut after = false;
    let results = turn.content.iter().take_while(|block| {
        after = block.get("toolResult").is_some() || (after && block.get("cachePoint").is_some());
        after
    });
    let results = results.count();
    if results == 0 || results == turn.content.len() {
        return vec![turn];
    }
    let words = Turn { role: turn.role, content: turn.content.split_off(results) };
    vec![turn, Turn { role: "assistant", content: vec![json!({"text": filler})] }, words]
}

fn id_of<'a>(block: &'a Value, kind: &str) -> Option<&'a str> {
    block.get(kind)?.get("toolUseId")?.as_str()
}

fn ids(turn: Option<&Turn>, kind: &str) -> Vec<String> {
    let content = turn.map(|turn| turn.content.as_slice()).unwrap_or_default();
    content.iter().filter_map(|block| id_of(block, kind)).map(str::to_owned).collect()
}

/// The first of an id stays.
fn once(content: &mut Vec<Value>, kind: &str) {
    let mut seen = HashSet::new();
    remove(content, kind, |id| !seen.insert(id.to_owned()));
}

/// Removes blocks by their ids; a cache point goes with its block.
fn remove(content: &mut Vec<Value>, kind: &str, mut is_unwanted: impl FnMut(&str) -> bool) {
    let mut removed = false;
    content.retain(|block| {
        if removed && block.get("cachePoint").is_some() {
            return false;
        }
        removed = id_of(block, kind).is_some_and(&mut is_unwanted);
        !removed
    });
}

/// All results stand before what else the user says (GEN-13); their cache points stay behind them.
fn results_first(content: &mut Vec<Value>) {
    let (mut results, mut rest) = (Vec::new(), Vec::new());
    let mut after_result = false;
    for block in content.drain(..) {
        let is_point = block.get("cachePoint").is_some();
        after_result = block.get("toolResult").is_some() || (is_point && after_result);
        if after_result { results.push(block) } else { rest.push(block) }
    }
    results.append(&mut rest);
    *content = results;
}

/// Says that there is no result (GEN-14).
fn answer(turns: &mut Vec<Turn>, at: usize, unanswered: &[&String]) {
    if unanswered.is_empty() {
        return;
    }
    let text = "[System: Tool execution skipped/interrupted by user. No result provided.]";
    let missing =
        unanswered.iter().map(|id| json!({"toolResult": {"content": [{"text": text}], "toolUseId": id}}));
    match turns.get_mut(at) {
        Some(turn) => {
            let results = turn.content.iter().take_while(|block| block.get("toolResult").is_some()).count();
            let rest = turn.content.split_off(results);
            turn.content.extend(missing);
            turn.content.extend(rest);
        }
        None => turns.push(Turn { role: "user", content: missing.collect() }),
    }
}

fn unpaired(what: &str, ids: &[&String]) -> Error {
    let ids = ids.iter().map(|id| id.as_str()).collect::<Vec<_>>().join("', '");
    Error::bad_request(format!(
        "Invalid 'messages': {what}: '{ids}'. Send both, or set modify_params=True to have the conversation repaired."
    ))
    .with_param("messages")
}
