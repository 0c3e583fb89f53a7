use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

use aws::Fault;
use wire::Value;

use crate::{Boxed, Call, Calls, Cx, Guard};

/// A generated input, output or nested shape.
pub trait Shape: Sized + Send + 'static {
    /// Reads a validated value. The fault says which member does not fit, which validation should have caught.
    fn from_value(value: Value) -> Result<Self, Fault>;
    /// The modelled value; absent members are left out.
    fn into_value(self) -> Value;
}

/// A generated marker type for each operation, e.g. `api::lambda::CreateFunction`.
pub trait Operation: Copy + Send + Sync + 'static {
    /// The typed input.
    type Input: Shape;
    /// The typed output.
    type Output: Shape;
    /// The service's model name, e.g. `lambda`.
    const SERVICE: &'static str;
    /// The operation's name, e.g. `CreateFunction`.
    const NAME: &'static str;
    /// The IAM action, e.g. `lambda:CreateFunction`.
    const ACTION: &'static str;
}

type Run = Box<dyn FnOnce(Call, Calls) -> Boxed<'static, Result<Value, Fault>> + Send>;
type Prepare = Box<dyn Fn(&Call, Value) -> Result<Prepared, Fault> + Send + Sync>;

/// A call that says what it touches and waits for the decision. Only the registry can run it.
pub(crate) struct Prepared {
    pub(crate) guard: Guard,
    pub(crate) run: Run,
}

/// One service: its operations with what guards them and who handles them.
pub struct Service {
    pub(crate) name: &'static str,
    pub(crate) rows: BTreeMap<&'static str, Prepare>,
}

impl Service {
    /// Begins the table of a service over its state.
    pub fn table<S: Send + Sync + 'static>(name: &'static str, state: S) -> Table<S> {
        Table { service: Service { name, rows: BTreeMap::new() }, state: Arc::new(state) }
    }

    /// The model's name, e.g. `lambda`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The operations that have a row, sorted.
    pub fn operations(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.rows.keys().copied()
    }
}

/// A table of operations being written.
pub struct Table<S> {
    service: Service,
    state: Arc<S>,
}

impl<S: Send + Sync + 'static> Table<S> {
    /// Adds a row: the operation, the resource it touches, the handler.
    ///
    /// # Panics
    /// When the operation belongs to another service or has a row already.
    pub fn op<O, G, H, F>(mut self, _operation: O, guard: G, handler: H) -> Table<S>
    where
        O: Operation,
        G: Fn(&S, &Call, &O::Input) -> Result<Guard, Fault> + Send + Sync + 'static,
        H: Fn(Cx<S>, O::Input) -> F + Copy + Send + Sync + 'static,
        F: Future<Output = Result<O::Output, Fault>> + Send + 'static,
    {
        assert_eq!(O::SERVICE, self.service.name, "{} is an operation of another service", O::NAME);
        let state = self.state.clone();
        let prepare: Prepare = Box::new(move |call, value| {
            let input = O::Input::from_value(value)?;
            let mut guard = guard(&state, call, &input)?;
            if guard.action.is_empty() {
                O::ACTION.clone_into(&mut guard.action);
            }
            let state = state.clone();
            let run: Run = Box::new(move |call, calls| {
                let future = handler(Cx { state, call, calls }, input);
                Box::pin(async move { future.await.map(Shape::into_value) })
            });
            Ok(Prepared { guard, run })
        });
        let before = self.service.rows.insert(O::NAME, prepare);
        assert!(before.is_none(), "{} has two rows", O::NAME);
        self
    }

    /// Ends the table.
    pub fn build(self) -> Service {
        self.service
    }
}
