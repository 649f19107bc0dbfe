//! What a template may use at one place: names, attributes, literals, conditions, default values.
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use tree_sitter::Node;

use super::project::{Project, params_of};
use super::syntax::{Source, enclosing, is_expression, named, string_parts, visit, visit_own};

/// A coarse idea of what a name holds; it orders candidates and never excludes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guess {
    /// int, float, Decimal.
    Number,
    /// str.
    Text,
    /// list, tuple, set.
    Sequence,
    /// dict.
    Mapping,
    /// bool.
    Truth,
    /// An object with attributes of its own.
    Object,
    /// Anything.
    Unknown,
}

/// Names and expressions of one function, or of a module's top level.
pub struct Scope<'p> {
    /// The whole project.
    pub project: &'p Project,
    /// Index of the file.
    pub file: usize,
    /// The file.
    pub source: &'p Source,
    /// The function, `None` for the top level.
    pub function: Option<Node<'p>>,
    /// Name of the class around it.
    pub class: Option<String>,
    /// Parameters, `self` included.
    pub params: Vec<String>,
    /// Bound names with the byte of their first binding.
    bound: BTreeMap<String, usize>,
    /// Names that live in one comprehension only.
    confined: BTreeMap<String, Range<usize>>,
    /// Every occurrence of a name.
    occurrences: Vec<(String, usize)>,
    /// Names of module level that hold values.
    pub values: Vec<String>,
    /// Names of module level that can be called.
    pub callables: Vec<String>,
    /// Dotted loads such as `self.items`, in order of appearance.
    pub attributes: Vec<String>,
    /// Elements such as `parts[0]` and `row["id"]`, in order of appearance.
    pub elements: Vec<String>,
    /// Numbers of the file.
    pub numbers: Vec<String>,
    /// Conditions of the function.
    pub conditions: Vec<String>,
    /// Expressions of the function with their kind.
    pub expressions: Vec<(String, &'p str)>,
    /// Returned expressions.
    pub returns: Vec<String>,
    /// The function has a `return` without value or none at all.
    pub returns_nothing: bool,
    /// The function yields.
    pub is_generator: bool,
    /// Guessed kinds of names and attributes.
    guesses: BTreeMap<String, Guess>,
    /// What a return in trouble could give, most fitting first.
    pub defaults: Vec<String>,
}

/// One place where a name gets a value.
struct Binding {
    name: String,
    byte: usize,
    /// Text of the value, when the name is all of the target.
    value: Option<String>,
    /// The comprehension that the name lives in.
    home: Option<Range<usize>>,
}

impl<'p> Scope<'p> {
    /// Looks at one function, or at the top level of a file.
    pub fn new(project: &'p Project, file: usize, function: Option<Node<'p>>) -> Option<Self> {
        let source = project.sources.get(file)?;
        let root = function.unwrap_or_else(|| source.tree.root_node());
        let mut scope = Self {
            project,
            file,
            source,
            function,
            class: function
                .and_then(super::syntax::class_of)
                .map(|class| source.field(class, "name").to_owned()),
            params: Vec::new(),
            bound: BTreeMap::new(),
            confined: BTreeMap::new(),
            occurrences: Vec::new(),
            values: Vec::new(),
            callables: Vec::new(),
            attributes: Vec::new(),
            elements: Vec::new(),
            numbers: Vec::new(),
            conditions: Vec::new(),
            expressions: Vec::new(),
            returns: Vec::new(),
            returns_nothing: true,
            is_generator: false,
            guesses: BTreeMap::new(),
            defaults: Vec::new(),
        };
        for (name, callable) in project.tops.get(file).into_iter().flatten() {
            if *callable {
                scope.callables.push(name.clone())
            } else {
                scope.values.push(name.clone())
            }
        }
        scope.read_constants();
        scope.read_params();
        scope.read_bindings(root);
        scope.read_body(root);
        scope.read_numbers();
        scope.defaults = scope.find_defaults();
        Some(scope)
    }

    /// Kinds of module-level values, by what they are set to.
    fn read_constants(&mut self) {
        let source = self.source;
        for statement in named(source.tree.root_node())
            .into_iter()
            .filter(|statement| statement.kind() == "expression_statement")
        {
            if let Some(assignment) = named(statement).first().filter(|child| child.kind() == "assignment") {
                let guess = guess_text(source.field(*assignment, "right"));
                if guess != Guess::Unknown {
                    self.guesses.insert(source.field(*assignment, "left").to_owned(), guess);
                }
            }
        }
    }

    /// Parameters that the function never reads.
    pub fn ignored(&self) -> Vec<&str> {
        let body = self
            .function
            .and_then(|function| function.child_by_field_name("body"))
            .map_or(0, |body| body.start_byte());
        self.params
            .iter()
            .map(String::as_str)
            .filter(|param| {
                !matches!(*param, "self" | "cls" | "args" | "kwargs")
                    && !param.starts_with('_')
                    && !self
                        .occurrences
                        .iter()
                        .any(|(name, byte)| name == param && *byte >= body)
            })
            .collect()
    }

    /// Whether something of this name was seen with this attribute, or could have it.
    pub fn may_have(&self, dotted: &str, attribute: &str) -> bool {
        if !matches!(self.guess(dotted), Guess::Object | Guess::Unknown) {
            return guess_method(attribute).is_some();
        }
        let last = dotted.rsplit('.').next().unwrap_or(dotted);
        self.project
            .receivers
            .get(last)
            .is_none_or(|seen| seen.contains_key(attribute))
    }

    fn read_params(&mut self) {
        let Some(list) = self
            .function
            .and_then(|function| function.child_by_field_name("parameters"))
        else {
            return;
        };
        for param in params_of(self.source, list) {
            let guess = param.annotation.as_deref().map_or(Guess::Unknown, guess_annotation);
            let guess = if guess == Guess::Unknown {
                param.default.as_deref().map_or(guess, guess_text)
            } else {
                guess
            };
            self.guesses.insert(param.name.clone(), guess);
            self.bound.insert(param.name.clone(), list.start_byte());
            self.params.push(param.name);
        }
    }

    fn read_bindings(&mut self, root: Node<'p>) {
        let source = self.source;
        let mut found: Vec<Binding> = Vec::new();
        let top = self.function.is_none();
        visit_own(root, &mut |node| {
            let target = match node.kind() {
                "assignment" | "augmented_assignment" | "for_statement" | "for_in_clause" => {
                    node.child_by_field_name("left")
                }
                "named_expression" => node.child_by_field_name("name"),
                "as_pattern_target" => Some(node),
                _ => None,
            };
            if top && node.kind() != "for_in_clause" {
                return;
            }
            if let Some(target) = target {
                let value = (node.kind() == "assignment").then(|| source.field(node, "right").to_owned());
                visit(target, &mut |name| {
                    if name.kind() == "identifier"
                        && !matches!(
                            name.parent().map(|parent| parent.kind()),
                            Some("attribute" | "subscript")
                        )
                    {
                        let home = (node.kind() == "for_in_clause")
                            .then(|| node.parent().map(|parent| parent.byte_range()))
                            .flatten();
                        found.push(Binding {
                            name: source.text(name).to_owned(),
                            byte: name.start_byte(),
                            value: value.clone().filter(|_| target.kind() == "identifier"),
                            home,
                        });
                    }
                });
            }
        });
        for Binding {
            name,
            byte,
            value,
            home,
        } in found
        {
            match home {
                Some(range) if !self.bound.contains_key(&name) => {
                    self.confined.insert(name.clone(), range);
                }
                Some(_) => {}
                None => {
                    self.confined.remove(&name);
                }
            }
            let guess = value.as_deref().map_or(Guess::Unknown, guess_text);
            if guess != Guess::Unknown {
                self.guesses.entry(name.clone()).or_insert(guess);
            }
            let first = self.bound.entry(name).or_insert(byte);
            *first = (*first).min(byte);
        }
    }

    fn read_body(&mut self, root: Node<'p>) {
        let source = self.source;
        let mut seen = BTreeSet::new();
        let mut valued_return = false;
        let mut bare_return = false;
        visit_own(root, &mut |node| {
            let text = source.text(node);
            match node.kind() {
                "identifier" => self.occurrences.push((text.to_owned(), node.start_byte())),
                "attribute" if !text.contains(['(', '[', '\n', '"']) => {
                    let called = node
                        .parent()
                        .is_some_and(|parent| parent.kind() == "call" && super::syntax::role(node) == "function");
                    if !called && seen.insert(text.to_owned()) {
                        self.attributes.push(text.to_owned());
                    }
                    let object = source.field(node, "object");
                    if !object.contains('.')
                        && !matches!(object, "self" | "cls")
                        && guess_method(source.field(node, "attribute")).is_none()
                        && !is_common(source.field(node, "attribute"))
                    {
                        self.guesses
                            .entry(object.to_owned())
                            .and_modify(|guess| {
                                if *guess == Guess::Unknown {
                                    *guess = Guess::Object
                                }
                            })
                            .or_insert(Guess::Object);
                    }
                    if called && let Some(guess) = guess_method(source.field(node, "attribute")) {
                        self.guesses
                            .entry(source.field(node, "object").to_owned())
                            .and_modify(|old| {
                                if *old == Guess::Unknown {
                                    *old = guess
                                }
                            })
                            .or_insert(guess);
                    }
                }
                "subscript"
                    if text.len() < 30
                        && text.ends_with(']')
                        && is_expression(node)
                        && node
                            .child_by_field_name("subscript")
                            .is_some_and(|key| matches!(key.kind(), "integer" | "string"))
                        && seen.insert(text.to_owned()) =>
                {
                    self.elements.push(text.to_owned());
                }
                "binary_operator" if matches!(source.field(node, "operator"), "-" | "*" | "/" | "//" | "**") => {
                    self.numeric(node)
                }
                "comparison_operator"
                    if named(node)
                        .iter()
                        .any(|side| matches!(side.kind(), "integer" | "float")) =>
                {
                    self.numeric(node)
                }
                "augmented_assignment" if matches!(source.field(node, "operator"), "-=" | "*=" | "/=" | "//=") => {
                    self.numeric(node)
                }
                "if_statement" | "while_statement" | "elif_clause" => {
                    let condition = source.field(node, "condition");
                    if !self.conditions.iter().any(|known| known == condition) {
                        self.conditions.push(condition.to_owned());
                    }
                }
                "return_statement" => {
                    if let Some(value) = named(node).first() {
                        valued_return = true;
                        let value = source.text(*value).to_owned();
                        if !self.returns.contains(&value) {
                            self.returns.push(value);
                        }
                    } else {
                        bare_return = true;
                    }
                }
                "yield" => self.is_generator = true,
                _ => {}
            }
            if is_expression(node) && text.len() <= 80 && !text.contains('\n') && seen.insert(format!("e {text}")) {
                self.expressions.push((text.to_owned(), node.kind()));
            }
        });
        self.returns_nothing = !valued_return || bare_return;
    }

    /// Operands of arithmetic are numbers, unless one is a sequence that is repeated or a set that is reduced.
    fn numeric(&mut self, node: Node<'p>) {
        let sides = named(node);
        if sides.iter().any(|side| {
            matches!(side.kind(), "string" | "list" | "tuple" | "set" | "dictionary")
                || side.kind() == "call" && self.source.text(*side).starts_with("set(")
        }) {
            return;
        }
        for side in sides
            .into_iter()
            .filter(|side| matches!(side.kind(), "identifier" | "attribute"))
        {
            self.guesses
                .entry(self.source.text(side).to_owned())
                .and_modify(|old| {
                    if *old == Guess::Unknown {
                        *old = Guess::Number
                    }
                })
                .or_insert(Guess::Number);
        }
    }

    fn read_numbers(&mut self) {
        let source = self.source;
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        visit(source.tree.root_node(), &mut |node| {
            if matches!(node.kind(), "integer" | "float") {
                *counts.entry(source.text(node).to_owned()).or_default() += 1;
            }
        });
        let mut numbers: Vec<(String, u32)> = counts.into_iter().collect();
        numbers.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
        self.numbers = numbers.into_iter().map(|(text, _)| text).take(12).collect();
    }

    /// Names that are visible at `node`, nearest use first, `self` and `cls` left out.
    pub fn names_at(&self, node: Node<'_>) -> Vec<String> {
        let here = node.start_byte();
        // What this very statement binds is not there yet, but in a loop it is from the second round on.
        let start = super::syntax::statement_of(node)
            .filter(|statement| {
                !matches!(
                    statement.kind(),
                    "for_statement"
                        | "with_statement"
                        | "function_definition"
                        | "if_statement"
                        | "while_statement"
                        | "try_statement"
                )
            })
            .map_or(here, |statement| statement.start_byte());
        let horizon = enclosing(
            node,
            &[
                "for_statement",
                "while_statement",
                "list_comprehension",
                "set_comprehension",
                "dictionary_comprehension",
                "generator_expression",
            ],
        )
        .map_or(start, |outer| outer.end_byte());
        let mut near: BTreeMap<&str, usize> = BTreeMap::new();
        for (name, byte) in &self.occurrences {
            if let Some(first) = self.bound.get(name.as_str())
                && *first < horizon
                && self.visible(name, node)
            {
                let distance = byte.abs_diff(here);
                let entry = near.entry(name).or_insert(distance);
                if distance > 0 && (*entry == 0 || distance < *entry) {
                    *entry = distance;
                }
            }
        }
        for param in &self.params {
            near.entry(param)
                .or_insert_with(|| self.bound.get(param).map_or(0, |byte| byte.abs_diff(here)));
        }
        let mut names: Vec<(&str, usize)> = near
            .into_iter()
            .filter(|(name, _)| !matches!(*name, "self" | "cls" | "_"))
            .collect();
        names.sort_by_key(|(name, distance)| (*distance, *name));
        names.into_iter().map(|(name, _)| name.to_owned()).collect()
    }

    /// Comprehension variables live in their comprehension only.
    fn visible(&self, name: &str, node: Node<'_>) -> bool {
        self.confined
            .get(name)
            .is_none_or(|range| range.start <= node.start_byte() && node.end_byte() <= range.end)
    }

    /// Methods without parameters that answer yes or no and were seen on a receiver of this name.
    pub fn predicates(&self, name: &str) -> Vec<&'p str> {
        let Some(seen) = self.project.receivers.get(name.rsplit('.').next().unwrap_or(name)) else {
            return Vec::new();
        };
        let telling = |name: &str| {
            ["is_", "has_", "can_", "should_", "in_"]
                .iter()
                .any(|start| name.starts_with(start))
        };
        self.project
            .functions
            .iter()
            .filter(|function| {
                function.class.is_some() && function.params.is_empty() && seen.contains_key(&function.name)
            })
            .filter(|function| {
                (function.returns.as_deref() == Some("bool") || telling(&function.name))
                    && !function
                        .decorators
                        .iter()
                        .any(|decorator| decorator.contains("property"))
            })
            .map(|function| function.name.as_str())
            .take(3)
            .collect()
    }

    /// Whether the name is bound in the function (parameters included).
    pub fn binds(&self, name: &str) -> bool {
        self.bound.contains_key(name)
    }

    /// Byte of the first binding.
    pub fn bound_at(&self, name: &str) -> Option<usize> {
        self.bound.get(name).copied()
    }

    /// Whether the name is known here at all.
    pub fn knows(&self, name: &str) -> bool {
        self.binds(name) || self.values.iter().chain(&self.callables).any(|known| known == name)
    }

    /// What `text` probably holds.
    pub fn guess(&self, text: &str) -> Guess {
        if let Some(guess) = self.guesses.get(text).filter(|guess| **guess != Guess::Unknown) {
            return *guess;
        }
        let guess = guess_text(text);
        if guess != Guess::Unknown {
            return guess;
        }
        let last = text.rsplit('.').next().unwrap_or(text);
        if text.contains('.')
            && let Some(kind) = self.project.attribute_kinds.get(last)
        {
            let guess = kind
                .strip_prefix(':')
                .map_or_else(|| guess_text(kind), guess_annotation);
            if guess != Guess::Unknown {
                return guess;
            }
        }
        // A call, or a property, of the project: its annotation.
        let called = text
            .strip_suffix(')')
            .and_then(|head| head.split('(').next())
            .map(|head| head.rsplit('.').next().unwrap_or(head));
        let property = text.contains('.').then_some(last);
        let declared = |name: &str| {
            self.project
                .functions
                .iter()
                .find(|function| function.name == name)
                .and_then(|function| function.returns.as_deref())
        };
        called
            .or(property)
            .and_then(declared)
            .map_or(Guess::Unknown, guess_annotation)
    }

    /// Whether `b` could stand where `a` stands.
    pub fn compatible(&self, a: &str, b: &str) -> bool {
        let (a, b) = (self.guess(a), self.guess(b));
        a == b || a == Guess::Unknown || b == Guess::Unknown
    }

    /// The atom pool for conditions: nearest names first, at most 56, no repetition.
    pub fn atoms(&self, node: Node<'_>) -> Vec<String> {
        let mut operands: Vec<String> = self.names_at(node).into_iter().take(6).collect();
        operands.extend(
            self.attributes
                .iter()
                .filter(|text| self.root_is_bound(text))
                .take(5)
                .cloned(),
        );
        operands.extend(self.elements.iter().take(4).cloned());
        let mut pool: Vec<String> = Vec::new();
        for condition in &self.conditions {
            pool.push(condition.clone());
            pool.push(negate(condition));
        }
        for v in &operands {
            pool.push(v.clone());
            pool.push(format!("not {v}"));
        }
        for v in operands.iter().take(6) {
            for method in self.predicates(v) {
                pool.push(format!("{v}.{method}()"));
                pool.push(format!("not {v}.{method}()"));
            }
        }
        for v in &operands {
            match self.guess(v) {
                Guess::Number => pool.extend([
                    format!("{v} > 0"),
                    format!("{v} < 0"),
                    format!("{v} == 0"),
                    format!("{v} <= 0"),
                ]),
                Guess::Text | Guess::Sequence | Guess::Mapping | Guess::Truth => {}
                Guess::Object => pool.extend([format!("{v} is not None"), format!("{v} is None")]),
                Guess::Unknown => pool.extend([
                    format!("{v} is not None"),
                    format!("{v} is None"),
                    format!("{v} > 0"),
                    format!("{v} == 0"),
                ]),
            }
        }
        for (index, v) in operands.iter().enumerate() {
            for w in operands.iter().skip(index + 1) {
                if self.compatible(v, w) && !matches!(self.guess(v), Guess::Mapping | Guess::Truth | Guess::Object) {
                    pool.extend(["!=", "==", "<", ">", "<=", ">="].map(|op| format!("{v} {op} {w}")));
                }
                if matches!(self.guess(w), Guess::Mapping | Guess::Sequence) {
                    pool.extend([format!("{v} in {w}"), format!("{v} not in {w}")]);
                }
                if matches!(self.guess(v), Guess::Mapping | Guess::Sequence) {
                    pool.extend([format!("{w} in {v}"), format!("{w} not in {v}")]);
                }
            }
        }
        let mut seen = BTreeSet::new();
        pool.retain(|atom| seen.insert(atom.clone()));
        pool.truncate(56);
        pool
    }

    /// Whether the first name of a dotted text is known inside the function.
    pub fn root_is_bound(&self, dotted: &str) -> bool {
        dotted.split('.').next().is_some_and(|root| self.binds(root))
    }

    /// Text of the docstring.
    pub fn docstring(&self) -> &str {
        self.function
            .and_then(|function| function.child_by_field_name("body"))
            .and_then(|body| named(body).first().copied())
            .filter(|statement| statement.kind() == "expression_statement")
            .and_then(|statement| named(statement).first().copied())
            .filter(|value| value.kind() == "string")
            .map_or("", |value| self.source.text(value))
    }

    fn find_defaults(&self) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let annotation = self
            .function
            .and_then(|function| function.child_by_field_name("return_type"))
            .map_or("", |kind| self.source.text(kind));
        // What the function already returns in a trivial case is the best witness.
        for value in &self.returns {
            if is_plain(value) || is_constant(value) {
                found.push(value.clone());
            }
        }
        let doc = self.docstring();
        let documented = ["None", "0", "True", "False"].iter().find(|word| {
            doc.contains(&format!("{word} if"))
                || doc.contains(&format!("{word} when"))
                || doc.contains(&format!("or {word}"))
        });
        if let Some(word) = documented {
            found.insert(0, (*word).to_owned());
        }
        if annotation.contains("None") || annotation.contains("Optional") {
            found.push("None".to_owned());
        }
        let head = annotation
            .split(['[', '|', ' '])
            .next()
            .unwrap_or("")
            .rsplit('.')
            .next()
            .unwrap_or("");
        let by_type = match head {
            "int" => "0",
            "float" => "0.0",
            "str" => "\"\"",
            "bool" => "False",
            "list" | "List" | "Sequence" | "Iterable" => "[]",
            "dict" | "Dict" | "Mapping" | "Counter" => "{}",
            "set" | "Set" => "set()",
            "tuple" | "Tuple" => "()",
            "Decimal" => "Decimal(\"0\")",
            "timedelta" => "timedelta()",
            _ => "",
        };
        if !by_type.is_empty() {
            found.push(by_type.to_owned());
        } else if annotation.is_empty() {
            for value in &self.returns {
                let decimal = self.callables.iter().any(|name| name == "Decimal") && !value.contains("float(");
                match self.guess(value) {
                    Guess::Number if decimal => found.extend(["Decimal(\"0\")".to_owned(), "0".to_owned()]),
                    Guess::Number if value.contains('/') && !value.contains("//") => found.push("0.0".to_owned()),
                    Guess::Number => found.push("0".to_owned()),
                    Guess::Text => found.push("\"\"".to_owned()),
                    Guess::Sequence => found.push("[]".to_owned()),
                    Guess::Mapping => found.push("{}".to_owned()),
                    Guess::Truth => found.push("False".to_owned()),
                    Guess::Object | Guess::Unknown if decimal && value.contains('/') => {
                        found.extend(["Decimal(\"0\")".to_owned(), "0".to_owned()])
                    }
                    Guess::Object | Guess::Unknown => {}
                }
            }
        }
        if annotation == "None" || self.returns.is_empty() || self.is_generator {
            found.insert(0, String::new());
        }
        found.extend(["None", "0", "[]", "\"\"", "False", "{}"].map(str::to_owned));
        let mut seen = BTreeSet::new();
        found.retain(|value| seen.insert(value.clone()));
        found
    }
}

/// Whether a text is the name of a constant by Python's convention, `ZERO`.
fn is_constant(text: &str) -> bool {
    text.len() > 1
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// Literals and empty containers.
pub fn is_plain(value: &str) -> bool {
    matches!(
        value,
        "None"
            | "True"
            | "False"
            | "[]"
            | "{}"
            | "()"
            | "set()"
            | "\"\""
            | "''"
            | "dict()"
            | "list()"
            | "0"
            | "0.0"
            | "Decimal(\"0\")"
            | "Decimal(0)"
            | "Decimal('0')"
            | "-1"
    ) || value.parse::<f64>().is_ok()
        || string_parts(value).is_some_and(|(_, inner, _)| !inner.contains(['"', '\'']))
}

/// The opposite of a condition.
pub fn negate(condition: &str) -> String {
    let plain = !condition.contains(" and ")
        && !condition.contains(" or ")
        && !condition.contains(" for ")
        && !condition.starts_with("not ");
    // The longer operators first: `is` is part of `is not`.
    const OPPOSITE: [(&str, &str); 10] = [
        (" is not ", " is "),
        (" is ", " is not "),
        (" not in ", " in "),
        (" in ", " not in "),
        (" == ", " != "),
        (" != ", " == "),
        (" <= ", " > "),
        (" >= ", " < "),
        (" > ", " <= "),
        (" < ", " >= "),
    ];
    if plain
        && let Some((from, to)) = OPPOSITE.iter().find(|(from, _)| condition.contains(from))
        && condition.matches(from).count() == 1
        && OPPOSITE.iter().filter(|(other, _)| condition.contains(other)).count()
            <= 1 + usize::from(from.contains("not"))
    {
        return condition.replacen(from, to, 1);
    }
    condition
        .strip_prefix("not ")
        .filter(|rest| !rest.contains(" and ") && !rest.contains(" or "))
        .map_or_else(|| format!("not {}", super::syntax::operand(condition)), str::to_owned)
}

fn guess_annotation(text: &str) -> Guess {
    let head = text
        .split(['[', '|', ' '])
        .next()
        .unwrap_or("")
        .rsplit('.')
        .next()
        .unwrap_or("");
    match head {
        "int" | "float" | "Decimal" => Guess::Number,
        "str" => Guess::Text,
        "bool" => Guess::Truth,
        "list" | "List" | "tuple" | "Tuple" | "set" | "Set" | "Sequence" | "Iterable" => Guess::Sequence,
        "dict" | "Dict" | "Mapping" => Guess::Mapping,
        _ => Guess::Unknown,
    }
}

/// Kind of an expression by its looks.
pub fn guess_text(text: &str) -> Guess {
    let text = text.trim();
    if text.parse::<f64>().is_ok()
        || ["len(", "sum(", "int(", "float(", "round(", "abs(", "Decimal("]
            .iter()
            .any(|start| text.starts_with(start))
    {
        return Guess::Number;
    }
    if text.starts_with(['"', '\''])
        || text.starts_with("f\"")
        || text.starts_with("f'")
        || text.starts_with("str(")
        || text.ends_with(".strip()")
        || text.ends_with(".lower()")
        || text.ends_with(".upper()")
    {
        return Guess::Text;
    }
    if matches!(text, "True" | "False") || text.starts_with("not ") || text.starts_with("bool(") {
        return Guess::Truth;
    }
    if text.starts_with('[')
        || text.starts_with("list(")
        || text.starts_with("sorted(")
        || text.starts_with("set(")
        || text.starts_with("tuple(")
        || text == "()"
        || text.ends_with(".split()")
    {
        return Guess::Sequence;
    }
    if text.starts_with('{')
        || text.starts_with("dict(")
        || text.starts_with("defaultdict(")
        || text.starts_with("Counter(")
    {
        return if text.starts_with('{') && !text.contains(':') && text.len() > 2 {
            Guess::Sequence
        } else {
            Guess::Mapping
        };
    }
    if [" + ", " - ", " * ", " / ", " // "].iter().any(|op| text.contains(op)) && !text.contains(['"', '\'', '[', '{'])
    {
        return Guess::Number;
    }
    Guess::Unknown
}

/// Attributes that dates, numbers and exceptions have too: they say nothing about an object.
fn is_common(attribute: &str) -> bool {
    matches!(
        attribute,
        "year"
            | "month"
            | "day"
            | "days"
            | "hour"
            | "minute"
            | "seconds"
            | "real"
            | "args"
            | "copy"
            | "pop"
            | "update"
            | "clear"
            | "index"
            | "count"
            | "remove"
            | "date"
    )
}

fn guess_method(method: &str) -> Option<Guess> {
    Some(match method {
        "append" | "extend" | "insert" | "sort" | "reverse" | "add" | "discard" => Guess::Sequence,
        "items" | "keys" | "values" | "get" | "setdefault" => Guess::Mapping,
        "lower" | "upper" | "strip" | "split" | "startswith" | "endswith" | "replace" | "join" | "format" | "title" => {
            Guess::Text
        }
        "quantize" => Guess::Number,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::brief::Brief;

    #[test]
    fn scopes_know_names_defaults_and_conditions() {
        let text = "LIMIT = 5\ndef f(items, *, top=3):\n    if not items:\n        return []\n    for item in items:\n        total = item.size\n    later = 1\n    return [x for x in items]\n";
        let project = Project::new(&Brief::new(
            [("a.py".to_owned(), text.to_owned())].into(),
            vec![],
            vec![],
        ));
        let function = named(project.sources[0].tree.root_node())[1];
        let scope = Scope::new(&project, 0, Some(function)).unwrap();
        assert_eq!(scope.params, ["items", "top"]);
        assert_eq!(scope.defaults[0], "[]");
        assert_eq!(scope.values, ["LIMIT"]);
        assert_eq!(scope.attributes, ["item.size"]);
        let ret = named(function.child_by_field_name("body").unwrap()).pop().unwrap();
        let names = scope.names_at(ret);
        assert!(
            names.contains(&"later".to_owned()) && !names.contains(&"x".to_owned()),
            "{names:?}"
        );
        assert!(scope.atoms(ret).contains(&"not items".to_owned()));
    }

    #[test]
    fn negation_reads_naturally() {
        for (a, b) in [
            ("a is None", "a is not None"),
            ("not a", "a"),
            ("a in b", "a not in b"),
            ("a < b", "a >= b"),
            ("a and b", "not (a and b)"),
            ("a", "not a"),
        ] {
            assert_eq!(negate(a), b, "{a}");
        }
    }
}
