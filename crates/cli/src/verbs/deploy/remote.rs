//! Doing what the plan says: role, function, waiting.

use std::time::Duration;

use serde_json::json;
use tasks::Tick;
use wire::Value;

use super::plan::{Plan, Step};
use super::{Arguments, TAG, role_name, wait_active};
use crate::client::{Call, Client, structure, text, text_of};
use crate::failure::Failure;
use crate::figures::took;
use crate::package::Package;
use crate::session::Session;

/// A deployment on its way.
pub struct Deployment<'a> {
    pub session: &'a Session,
    pub client: &'a Client,
    /// The function's name.
    pub name: &'a str,
    pub arguments: &'a Arguments,
    pub package: &'a Package,
    pub plan: &'a Plan,
}

impl Deployment<'_> {
    /// Makes or updates the function and says each step with its time.
    pub async fn apply(&self) -> Result<(), Failure> {
        match self.plan.step {
            Step::Create => {
                let role = match &self.arguments.role {
                    Some(arn) => arn.clone(),
                    None => self.make_role().await?,
                };
                let start = self.session.clock.tick();
                self.create(&role).await?;
                self.finish("created", start).await
            }
            Step::Update { code: false, settings: false } => {
                self.session.screen.say("  nothing changed");
                Ok(())
            }
            Step::Update { code, settings } => {
                if code {
                    let start = self.session.clock.tick();
                    self.update_code().await?;
                    self.finish("updated code", start).await?;
                }
                if settings {
                    let start = self.session.clock.tick();
                    self.update_settings().await?;
                    self.finish("updated settings", start).await?;
                }
                Ok(())
            }
        }
    }

    fn since(&self, start: Tick) -> Duration {
        self.session.clock.tick().since(start)
    }

    async fn finish(&self, what: &str, start: Tick) -> Result<(), Failure> {
        if self.client.is_dry() {
            return Ok(());
        }
        wait_active(self.session, self.client, self.name).await?;
        self.session.screen.say(&format!("  {what}, active  {}", took(self.since(start))));
        Ok(())
    }

    /// Makes the role `NAME-role` that Lambda may assume and that may write logs; takes one that is there.
    async fn make_role(&self) -> Result<String, Failure> {
        let role = role_name(self.name);
        let start = self.session.clock.tick();
        match self.client.call("iam", "GetRole", structure([("RoleName", text(&role))])).await {
            Ok(answer) => {
                self.session.screen.say(&format!("  took role {role}"));
                return Ok(text_of(answer.value.member("Role"), "Arn").to_owned());
            }
            Err(failure) if failure.is("NoSuchEntity") => {}
            Err(failure) => return Err(failure),
        }
        let tag = structure([("Key", text(TAG)), ("Value", text(self.name))]);
        let input = structure([
            ("RoleName", text(&role)),
            ("AssumeRolePolicyDocument", text(trust())),
            ("Tags", Value::List(vec![tag])),
        ]);
        let made = self.client.call("iam", "CreateRole", input).await?.value;
        let input = structure([
            ("RoleName", text(&role)),
            ("PolicyName", text("logs")),
            ("PolicyDocument", text(may_log())),
        ]);
        self.client.call("iam", "PutRolePolicy", input).await?;
        if self.client.is_dry() {
            return Ok(format!("arn:aws:iam::000000000000:role/{role}"));
        }
        let spent = took(self.since(start));
        self.session.screen.say(&format!("  made role {role} (may write its logs)  {spent}"));
        Ok(text_of(made.member("Role"), "Arn").to_owned())
    }

    async fn create(&self, role: &str) -> Result<(), Failure> {
        let plan = self.plan;
        let input = structure([
            ("FunctionName", text(self.name)),
            ("Runtime", text(&plan.runtime)),
            ("Role", text(role)),
            ("Handler", text(&plan.handler)),
            ("Code", structure([("ZipFile", Value::Blob(self.package.bytes.clone().into()))])),
            ("Timeout", number(plan.settings.timeout_s)),
            ("MemorySize", number(plan.settings.memory_mb)),
            ("Environment", environment(plan)),
            ("Tags", Value::Map(vec![(TAG.to_owned(), text(self.name))])),
        ]);
        self.send("CreateFunction", input).await
    }

    async fn update_code(&self) -> Result<(), Failure> {
        let code = Value::Blob(self.package.bytes.clone().into());
        let input = structure([("FunctionName", text(self.name)), ("ZipFile", code)]);
        self.send("UpdateFunctionCode", input).await
    }

    async fn update_settings(&self) -> Result<(), Failure> {
        let plan = self.plan;
        let input = structure([
            ("FunctionName", text(self.name)),
            ("Runtime", text(&plan.runtime)),
            ("Handler", text(&plan.handler)),
            ("Role", self.arguments.role.as_deref().map_or(Value::Null, text)),
            ("Timeout", number(plan.settings.timeout_s)),
            ("MemorySize", number(plan.settings.memory_mb)),
            ("Environment", environment(plan)),
        ]);
        self.send("UpdateFunctionConfiguration", input).await
    }

    async fn send(&self, operation: &'static str, input: Value) -> Result<(), Failure> {
        // The zip's own name, or the one that the folder's zip would have.
        let path = &self.arguments.path;
        let file = if path.is_file() { path.display().to_string() } else { format!("{}.zip", self.name) };
        self.client.send(Call { service: "lambda", operation, input, file: Some(&file) }).await.map(|_| ())
    }
}

fn trust() -> String {
    let statement = json!({
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    });
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

fn may_log() -> String {
    let statement = json!({
        "Effect": "Allow",
        "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": "arn:aws:logs:*:*:*",
    });
    json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
}

fn number(value: Option<i64>) -> Value {
    value.map_or(Value::Null, Value::Integer)
}

fn environment(plan: &Plan) -> Value {
    match &plan.settings.variables {
        Some(variables) => structure([("Variables", Value::Map(variables.clone()))]),
        None => Value::Null,
    }
}
