//! What a member's components last reported of their media, for the operator (docs/protocol.md 8, 12.7).
//!
//! Reports come over HTTP without any right to them, as in the original, so they are shown and never
//! acted on.

use std::collections::BTreeMap;

use nertc_miniapp::wire::model::Uid;
use serde::Serialize;

/// What a member reports: of what it pushes, and of each member that it plays.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct MemberQuality {
    /// What the pusher last told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub push: Option<Sample>,
    /// What the players last told, by the member that is played.
    pub pull: BTreeMap<Uid, Sample>,
}

/// The latest of one component.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Sample {
    /// When it was told, milliseconds since the Unix epoch.
    pub at: u64,
    /// The last status code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    /// The last statistics, by the platform's names.
    #[serde(flatten)]
    pub values: BTreeMap<&'static str, f64>,
}

/// One report.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QualityReport {
    /// Whom the component plays; nobody for the pusher.
    pub source: Option<Uid>,
    /// A status code.
    pub code: Option<i32>,
    /// Statistics, empty when it is only a status.
    pub values: BTreeMap<&'static str, f64>,
}

impl MemberQuality {
    /// How many components are known of.
    pub(super) fn samples(&self) -> usize {
        self.pull.len() + usize::from(self.push.is_some())
    }

    pub(super) fn learn(&mut self, report: QualityReport, at: u64) {
        let sample = match report.source {
            None => self.push.get_or_insert_default(),
            Some(source) => self.pull.entry(source).or_default(),
        };
        sample.at = at;
        sample.code = report.code.or(sample.code);
        if !report.values.is_empty() {
            sample.values = report.values;
        }
    }
}

/// The statistics of `live-pusher` and `live-player` that are kept.
pub(crate) const STATISTICS: [&str; 16] = [
    "videoBitrate",
    "audioBitrate",
    "videoFPS",
    "videoGOP",
    "netSpeed",
    "netJitter",
    "netQualityLevel",
    "videoWidth",
    "videoHeight",
    "videoCache",
    "audioCache",
    "vDecCacheSize",
    "vSumCacheSize",
    "avPlayInterval",
    "avRecvInterval",
    "audioCacheThreshold",
];
