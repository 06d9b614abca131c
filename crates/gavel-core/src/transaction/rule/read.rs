//! Rules as sent: the bodies of their calls.

use serde_json::{Map, Value as Json};

use super::{
    Action, Aggregation, Combine, Conditions, Logic, Scope,
    parts::{read_actions, read_aggregations, read_conditions, read_scope},
};
use crate::{
    json::{FieldError, FieldErrors, Fields, Sent, Value, read},
    transaction::TEXT,
};

/// Longest title, in characters.
const TITLE: usize = 255;
/// Longest category, in characters.
const CATEGORY: usize = 64;
/// Largest metadata, in bytes.
const METADATA: usize = 16_384;
/// Longest period of a backtest in the contract, in days.
const PERIOD: i64 = 365;

/// Whether a rule is asked, and whether its answer has consequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Asked, with consequences.
    Active,
    /// Not asked.
    Disabled,
    /// Asked; what it answers is only written down.
    Test,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Active, Self::Disabled, Self::Test];

    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Disabled => "DISABLED",
            Self::Test => "TEST",
        }
    }

    /// The mode of this exact name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == name)
    }
}

/// A part of a rule, and the JSON that is stored and answered for it. Reading that JSON gives the same part.
#[derive(Debug, Clone)]
pub struct Written<T> {
    /// What it says.
    pub read: T,
    /// How it is written.
    pub json: Json,
}

/// The parts of a rule that say what it does; those that were not sent are `None`.
#[derive(Debug, Clone, Default)]
pub struct Parts {
    /// How conditions and aggregations are put together.
    pub evaluation_mode: Option<Combine>,
    /// About which transactions.
    pub scope: Option<Written<Scope>>,
    /// What is asked of the transaction.
    pub conditions: Option<Written<Conditions>>,
    /// What is asked of those before it.
    pub aggregations: Option<Written<Vec<Aggregation>>>,
    /// What follows.
    pub actions: Option<Written<Vec<Action>>>,
}

/// A new rule.
#[derive(Debug, Clone)]
pub struct NewRule {
    /// Its name, one of a kind.
    pub title: String,
    /// In more words.
    pub description: Option<String>,
    /// Any text.
    pub category: String,
    /// Whether it is asked.
    pub mode: Mode,
    /// What it does.
    pub parts: Parts,
    /// The customer's own.
    pub metadata: Map<String, Json>,
}

/// A change; what was not sent stays.
#[derive(Debug, Clone)]
pub struct RuleChange {
    /// Another name.
    pub title: Option<String>,
    /// Other words, or none.
    pub description: Sent<String>,
    /// Another category.
    pub category: Option<String>,
    /// Another mode.
    pub mode: Option<Mode>,
    /// What it does from here on.
    pub parts: Parts,
    /// Other metadata.
    pub metadata: Option<Map<String, Json>>,
}

impl NewRule {
    /// Reads the body of a create.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let title = fields.required("title", read::filled(read::text(TITLE)));
        let description = fields.optional("description", read::text(TEXT));
        let category = fields.required("category", read::filled(read::text(CATEGORY)));
        let mode = fields.required("mode", read::choice_of(Mode::from_name));
        let parts = Parts::read(&mut fields);
        let metadata = fields.optional("metadata", read_metadata);
        if parts.as_ref().is_some_and(Parts::asks_nothing) {
            fields.add_error("conditions", nothing_asked());
        }
        fields.finish(|| {
            Some(Self {
                title: title?,
                description: description?,
                category: category?,
                mode: mode?,
                parts: parts?,
                metadata: metadata?.unwrap_or_default(),
            })
        })
    }
}

impl RuleChange {
    /// Reads the body of a change.
    pub fn read(sent: &Value<'_>) -> Result<Self, FieldErrors> {
        let mut fields = Fields::of(sent)?;
        let title = if_sent(&mut fields, "title", read::filled(read::text(TITLE)));
        let description = fields.nullable("description", read::text(TEXT));
        let category = if_sent(&mut fields, "category", read::filled(read::text(CATEGORY)));
        let mode = if_sent(&mut fields, "mode", read::choice_of(Mode::from_name));
        let parts = Parts::read(&mut fields);
        let metadata = fields.optional("metadata", read_metadata);
        fields.finish(|| {
            Some(Self {
                title: title?,
                description: description?,
                category: category?,
                mode: mode?,
                parts: parts?,
                metadata: metadata?,
            })
        })
    }
}

/// A field that may be left out, but not be null.
fn if_sent<'v, 'a, T>(
    fields: &mut Fields<'v, 'a>,
    name: &'static str,
    read: impl FnOnce(&'v Value<'a>) -> Result<T, FieldError>,
) -> Option<Option<T>> {
    match fields.sent(name) {
        Some(_) => fields.required(name, read).map(Some),
        None => Some(None),
    }
}

/// What is answered to a rule without any question.
pub fn nothing_asked() -> FieldError {
    FieldError::text("At least one condition or aggregation is required.")
}

fn read_metadata(sent: &Value<'_>) -> Result<Map<String, Json>, FieldError> {
    read::json_object_max_bytes(METADATA)(sent)?;
    match Json::from(sent) {
        Json::Object(members) => Ok(members),
        _ => Err(FieldError::not_an_object(sent)),
    }
}

impl Parts {
    /// Reads those that were sent.
    fn read(fields: &mut Fields<'_, '_>) -> Option<Self> {
        let evaluation_mode = fields.optional("evaluation_mode", read::choice_of(Combine::from_mode));
        let scope = fields.optional("scope", read::nested(read_scope));
        let conditions = fields.optional("conditions", read_conditions);
        let aggregations = fields.optional("aggregation", read_aggregations);
        let actions = fields.optional("actions", read_actions);
        Some(Self {
            evaluation_mode: evaluation_mode?,
            scope: scope?,
            conditions: conditions?,
            aggregations: aggregations?,
            actions: actions?,
        })
    }

    /// Reads all of them from the JSON they were stored as.
    pub fn stored(evaluation_mode: &str, [scope, conditions, aggregations, actions]: [&Json; 4]) -> Option<Self> {
        Some(Self {
            evaluation_mode: Some(Combine::from_mode(evaluation_mode)?),
            scope: Some(read_scope(&Value::from(scope)).ok()?),
            conditions: Some(read_conditions(&Value::from(conditions)).ok()?),
            aggregations: Some(read_aggregations(&Value::from(aggregations)).ok()?),
            actions: Some(read_actions(&Value::from(actions)).ok()?),
        })
    }

    /// What was sent over what stood.
    pub fn over(self, standing: Self) -> Self {
        Self {
            evaluation_mode: self.evaluation_mode.or(standing.evaluation_mode),
            scope: self.scope.or(standing.scope),
            conditions: self.conditions.or(standing.conditions),
            aggregations: self.aggregations.or(standing.aggregations),
            actions: self.actions.or(standing.actions),
        }
    }

    /// Whether there is neither a condition nor an aggregation.
    pub fn asks_nothing(&self) -> bool {
        self.conditions.as_ref().is_none_or(|conditions| conditions.read.is_empty())
            && self.aggregations.as_ref().is_none_or(|aggregations| aggregations.read.is_empty())
    }

    /// What the rule asks.
    pub fn logic(&self) -> Logic {
        Logic {
            scope: self.scope.as_ref().map(|scope| scope.read.clone()).unwrap_or_default(),
            mode: self.evaluation_mode.unwrap_or_default(),
            conditions: self.conditions.as_ref().map(|conditions| conditions.read.clone()).unwrap_or_default(),
            aggregations: self.aggregations.as_ref().map(|aggregations| aggregations.read.clone()).unwrap_or_default(),
        }
    }

    /// The JSON of scope, conditions, aggregations and actions, in the form of those that were left out where nothing was sent.
    pub fn json(&self) -> [Json; 4] {
        fn of<T>(part: Option<&Written<T>>) -> Json {
            part.map_or_else(|| Json::Array(Vec::new()), |part| part.json.clone())
        }
        let scope = self.scope.as_ref().map_or_else(|| Scope::default().to_json(), |scope| scope.json.clone());
        [scope, of(self.conditions.as_ref()), of(self.aggregations.as_ref()), of(self.actions.as_ref())]
    }
}

/// Reads the body of a backtest: what a rule would ask, and over how many days back. `most`: the longest period.
pub fn read_backtest(sent: &Value<'_>, most: Option<i64>) -> Result<(Logic, i64), FieldErrors> {
    let mut fields = Fields::of(sent)?;
    let parts = Parts::read(&mut fields);
    let period = fields.optional("period_days", read::integer(1, most.unwrap_or(PERIOD)));
    fields.finish(|| Some((parts?.logic(), period?.unwrap_or(90))))
}
