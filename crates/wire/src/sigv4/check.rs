use aws::{Millis, Region};

use super::canonical::Style;
use super::refusal::{Refusal, ScopeFault};
use super::{Claim, Form, TERMINATOR};

/// How far a signature's time may be from ours, in seconds: 15 minutes at STS, IAM and S3, 5 elsewhere.
pub fn skew_seconds(service: &str) -> u64 {
    match (service, Style::of(service)) {
        ("sts" | "iam", _) | (_, Style::S3) => 15 * 60,
        _ => 5 * 60,
    }
}

impl Claim<'_> {
    /// Checks scope and time: the service must be `service` (its signing name), the terminator and the date must fit,
    /// and `now` must be within the skew of the signature's time or within the life of the presigned URL.
    pub fn check(&self, service: &str, now: Millis) -> Result<(), Refusal> {
        self.check_scope(service)?;
        let skew = skew_seconds(service);
        let (signed, today) = (self.stamp.seconds, now.seconds());
        if signed > today.saturating_add(skew) {
            return Err(Refusal::NotYet { stamp: self.stamp, now, skew_s: skew, form: self.form });
        }
        let life = match self.form {
            Form::Header => skew,
            Form::Query { expires_s } => expires_s,
        };
        if signed.saturating_add(life) < today {
            return Err(Refusal::Expired { stamp: self.stamp, now, life_s: life, form: self.form });
        }
        Ok(())
    }

    fn check_scope(&self, service: &str) -> Result<(), Refusal> {
        let (scope, terminator) = (self.scope(), self.credential().terminator());
        let mut faults = Vec::new();
        if !Region::fits(scope.region) {
            faults.push(ScopeFault::Region(scope.region.to_owned()));
        }
        if scope.service != service {
            faults
                .push(ScopeFault::Service { found: scope.service.to_owned(), expected: service.to_owned() });
        }
        if terminator != TERMINATOR {
            faults.push(ScopeFault::Terminator(terminator.to_owned()));
        }
        if scope.date != self.stamp.date() {
            faults
                .push(ScopeFault::Date { scope: scope.date.to_owned(), stamp: self.stamp.text().to_owned() });
        }
        if faults.is_empty() { Ok(()) } else { Err(Refusal::Scope { faults, form: self.form }) }
    }
}
