//! What a watch remembers, as JSON and back. What cannot be read any more begins anew.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use lockkeeper_core::health::{Baseline, Correlation, Counts, Evidence, Latencies, Memory, SideBySide, Streak};
use lockkeeper_core::model::Verdict;
use serde_json::{Value, json};

pub fn memory_to_json(memory: &Memory) -> Value {
    json!({
        "floor": memory.floor.failures(),
        "hard_down": memory.hard_down.failures(),
        "latency": memory.latency.failures(),
        "threshold": memory.threshold.failures(),
        "evidence": memory.evidence.value(),
        "beside": memory.beside.state(),
        "total": counts_to_json(memory.total),
        "slices": memory.slices,
        "floor_judged": memory.floor_judged,
        "last_verdict": memory.last_verdict.map(Verdict::as_str),
        "last_data_at": memory.last_data_at.map(|at| at.to_string()),
    })
}

/// `None` when it is not what [`memory_to_json`] wrote.
pub fn memory_from_json(value: &Value) -> Option<Memory> {
    let streak = |key: &str| value[key].as_u64().and_then(|failures| u32::try_from(failures).ok()).map(Streak::of);
    let mut beside = *SideBySide::default().state();
    let stored = value["beside"].as_array()?;
    if stored.len() != beside.len() {
        return None;
    }
    for (place, stored) in beside.iter_mut().zip(stored) {
        *place = stored.as_f64()?;
    }
    Some(Memory {
        floor: streak("floor")?,
        hard_down: streak("hard_down")?,
        latency: streak("latency")?,
        threshold: streak("threshold")?,
        evidence: Evidence::of(value["evidence"].as_f64()?),
        beside: SideBySide::of(beside),
        total: counts_from_json(&value["total"])?,
        slices: value["slices"].as_u64()?,
        floor_judged: value["floor_judged"].as_bool()?,
        last_verdict: value["last_verdict"].as_str().and_then(Verdict::from_ledger),
        last_data_at: value["last_data_at"].as_str().and_then(|at| at.parse::<Timestamp>().ok()),
    })
}

pub fn baseline_to_json(baseline: &Baseline) -> Value {
    let latencies = (!baseline.latencies.is_empty()).then(|| BASE64.encode(baseline.latencies.to_bytes()));
    json!({
        "total": counts_to_json(baseline.total),
        "correlation": baseline.correlation.map(Correlation::value),
        "latencies": latencies,
    })
}

pub fn baseline_from_json(value: &Value) -> Option<Baseline> {
    Some(Baseline {
        total: counts_from_json(&value["total"])?,
        correlation: value["correlation"].as_f64().map(Correlation::of),
        latencies: value["latencies"]
            .as_str()
            .and_then(|text| BASE64.decode(text).ok())
            .and_then(|bytes| Latencies::from_bytes(&bytes))
            .unwrap_or_default(),
    })
}

fn counts_to_json(counts: Counts) -> Value {
    json!([counts.requests(), counts.errors()])
}

fn counts_from_json(value: &Value) -> Option<Counts> {
    Counts::new(value[0].as_u64()?, value[1].as_u64()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_comes_back() {
        let memory = Memory {
            floor: Streak::of(2),
            evidence: Evidence::of(1e300),
            beside: SideBySide::of([-1.5; 7]),
            total: Counts::new(1000, 49).expect("counts"),
            slices: 17,
            floor_judged: true,
            last_verdict: Some(Verdict::Pass),
            last_data_at: Some(Timestamp::UNIX_EPOCH),
            ..Memory::default()
        };
        let text = memory_to_json(&memory).to_string();
        let value: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(memory_from_json(&value), Some(memory));
    }

    #[test]
    fn a_baseline_comes_back_with_its_latencies() {
        let mut latencies = Latencies::default();
        latencies.record(std::time::Duration::from_millis(12));
        for latencies in [Latencies::default(), latencies] {
            let baseline = Baseline { total: Counts::new(100, 3).expect("counts"), correlation: None, latencies };
            let value: Value = serde_json::from_str(&baseline_to_json(&baseline).to_string()).expect("JSON");
            assert_eq!(baseline_from_json(&value), Some(baseline));
        }
    }

    #[test]
    fn what_is_no_memory_is_none() {
        for text in ["{}", "null", "[]", r#"{"floor": -1}"#] {
            assert_eq!(memory_from_json(&serde_json::from_str(text).expect("JSON")), None, "{text}");
        }
        let mut value = memory_to_json(&Memory::default());
        value["total"] = json!([1, 2]);
        assert_eq!(memory_from_json(&value), None, "more errors than requests");
    }
}
