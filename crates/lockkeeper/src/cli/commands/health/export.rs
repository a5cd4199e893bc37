//! `health export`: what was measured, for other programs, as it is read.

use jiff::Timestamp;
use lockkeeper_core::health::CheckName;
use lockkeeper_core::message;
use lockkeeper_core::model::{Answer, Problem};
use lockkeeper_engine::ledger::{HealthSample, export_samples, read_watch};
use serde_json::json;

use super::{Args, ExportFormat, INCONCLUSIVE, time};
use crate::cli::context::Context;

const SINCE_DEFAULT: &str = "24h";

/// The columns of CSV, and the keys of JSON.
const HEADING: &str = "check,at,span_s,requests,errors,error_ratio,value,pass,fail,no_data,probe_error";

pub async fn run(args: &Args, context: &Context<'_>) -> Answer<u8> {
    let back = time(args.since.as_deref().unwrap_or(SINCE_DEFAULT))?;
    let check = match &args.check {
        Some(name) => Some(
            CheckName::new(name)
                .ok_or_else(|| Problem::usage(message!("health-check-unknown", name = name.as_str())))?,
        ),
        None => None,
    };
    let format = args.format.unwrap_or(if context.printer.is_json() { ExportFormat::Json } else { ExportFormat::Csv });
    let connection = context.connect().await?;
    // The database's clock, by which samples are aged; without a watch there is nothing to export.
    let Some(record) = read_watch(&connection).await? else {
        context.printer.note(&message!("watch-none"));
        return Ok(INCONCLUSIVE);
    };
    let since = record.now.checked_sub(back).unwrap_or(Timestamp::UNIX_EPOCH);
    if format == ExportFormat::Csv {
        context.printer.document(HEADING);
    }
    export_samples(&connection, since, check.as_ref(), &mut |sample| {
        context.printer.document(&match format {
            ExportFormat::Csv => csv(sample),
            ExportFormat::Json => to_json(sample).to_string(),
        });
    })
    .await?;
    Ok(0)
}

fn ratio(sample: &HealthSample) -> Option<f64> {
    sample.counts.share().map(lockkeeper_core::health::Share::as_ratio)
}

/// No field can hold a comma, a quote or the end of a line: names are labels, and the rest are numbers and times.
fn csv(sample: &HealthSample) -> String {
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let verdicts = &sample.verdicts;
    format!(
        "{},{},{},{},{},{},{},{},{},{},{}",
        sample.check,
        sample.at,
        sample.span.as_secs(),
        sample.counts.requests(),
        sample.counts.errors(),
        number(ratio(sample)),
        number(sample.value),
        verdicts.pass,
        verdicts.fail,
        verdicts.no_data,
        verdicts.probe_error
    )
}

fn to_json(sample: &HealthSample) -> serde_json::Value {
    let verdicts = &sample.verdicts;
    json!({
        "check": sample.check.as_str(),
        "at": sample.at.to_string(),
        "span_s": sample.span.as_secs(),
        "requests": sample.counts.requests(),
        "errors": sample.counts.errors(),
        "error_ratio": ratio(sample),
        "value": sample.value,
        "pass": verdicts.pass,
        "fail": verdicts.fail,
        "no_data": verdicts.no_data,
        "probe_error": verdicts.probe_error,
    })
}
