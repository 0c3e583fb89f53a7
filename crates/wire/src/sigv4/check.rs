use aws::{Millis, Region};

use super::canonical::Style;
use super::refusal::{Refusal, ScopeFault};
use super::{Claim, Form, Stamp, TERMINATOR};

/// How far a signature's time may be from ours, in seconds: 15 minutes at STS, IAM and S3, 5 elsewhere.
pub fn skew_seconds(service: &str) -> u64 {
    match (service, Style::of(service)) {
        ("sts" | "iam", _) | (_, Style::S3) => 15 * 60,
        _ => 5 * 60,
    }
}

impl Claim {
    /// Checks scope and time: the service must be `service` (its signing name), the terminator and the date must fit,
    /// and `now` must be within the skew of the signature's time or within the life of the presigned URL.
    pub fn check(&self, service: &str, now: Millis) -> Result<(), Refusal> {
        self.check_scope(service)?;
        let skew = skew_seconds(service);
        let (signed, today) = (self.stamp.seconds, now.seconds());
        if signed > today.saturating_add(skew) {
            return Err(Refusal::NotYet { stamp: self.stamp.clone(), now, skew_s: skew, form: self.form });
        }
        let life = match self.form {
            Form::Header => skew,
            Form::Query { expires_s } => expires_s,
        };
        if signed.saturating_add(life) < today {
            return Err(Refusal::Expired { stamp: self.stamp.clone(), now, life_s: life, form: self.form });
        }
        Ok(())
    }

    fn check_scope(&self, service: &str) -> Result<(), Refusal> {
        let mut faults = Vec::new();
        if Region::parse(&self.scope.region).is_err() {
            faults.push(ScopeFault::Region(self.scope.region.clone()));
        }
        if self.scope.service != service {
            faults.push(ScopeFault::Service {
                found: self.scope.service.clone(),
                expected: service.to_owned(),
            });
        }
        if self.terminator != TERMINATOR {
            faults.push(ScopeFault::Terminator(self.terminator.clone()));
        }
        let Stamp { text, .. } = &self.stamp;
        if self.scope.date != text[..8] {
            faults.push(ScopeFault::Date { scope: self.scope.date.clone(), stamp: text.clone() });
        }
        if faults.is_empty() { Ok(()) } else { Err(Refusal::Scope { faults, form: self.form }) }
    }
}
