//! The language of `conditions`, `childConditions` and `customFieldConditions` (connectwise_psa.md, section 4).
//!
//! ```text
//! any  = all (OR all)*        all = one (AND one)*       one = "(" any ")" | path [NOT] operator value
//! ```

use std::cmp::Ordering;

use serde_json::Value;

use crate::dates;

/// A condition, read.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Condition {
    Any(Vec<Condition>),
    All(Vec<Condition>),
    Not(Box<Condition>),
    Compare { path: Vec<String>, operator: Operator, value: Literal },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
    Like,
    In,
}

/// What a field is compared with.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Literal {
    Null,
    Switch(bool),
    Number(f64),
    Text(String),
    Instant(u64),
    Several(Vec<Literal>),
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Open,
    Close,
    Comma,
    Operator(Operator),
    Word(String),
    Text(String),
    Date(String),
}

impl Condition {
    /// Reads a condition; says what is wrong with it.
    pub(super) fn read(text: &str) -> Result<Condition, String> {
        let mut reader = Reader { tokens: tokens(text)?, at: 0 };
        let condition = reader.any()?;
        match reader.next() {
            None => Ok(condition),
            Some(token) => Err(format!("unexpected {token:?} at the end")),
        }
    }

    /// Says whether a row fits. A field that is not there is null.
    pub(super) fn fits(&self, row: &Value) -> bool {
        self.holds(&|path| found(row, path))
    }

    /// Says whether a row has an element, in the array that the paths begin with, which fits all of the condition.
    pub(super) fn fits_an_element(&self, row: &Value) -> bool {
        let mut arrays = Vec::new();
        self.arrays(&mut arrays);
        arrays.dedup();
        let [array] = arrays[..] else { return false };
        let elements = row.get(array).and_then(Value::as_array).into_iter().flatten();
        elements.into_iter().any(|element| self.holds(&|path| found(element, path.get(1..).unwrap_or_default())))
    }

    /// Says whether one of a row's custom fields fits.
    pub(super) fn fits_a_custom_field(&self, row: &Value) -> bool {
        row.get("customFields").and_then(Value::as_array).into_iter().flatten().any(|field| self.fits(field))
    }

    fn arrays<'a>(&'a self, into: &mut Vec<&'a str>) {
        match self {
            Condition::Any(all) | Condition::All(all) => all.iter().for_each(|one| one.arrays(into)),
            Condition::Not(one) => one.arrays(into),
            Condition::Compare { path, .. } => into.extend(path.first().map(String::as_str)),
        }
    }

    fn holds<'v>(&self, field: &impl Fn(&[String]) -> Option<&'v Value>) -> bool {
        match self {
            Condition::Any(all) => all.iter().any(|one| one.holds(field)),
            Condition::All(all) => all.iter().all(|one| one.holds(field)),
            Condition::Not(one) => !one.holds(field),
            Condition::Compare { path, operator, value } => compares(field(path), *operator, value),
        }
    }
}

/// Follows a path into a row; the two dates that clients name without `_info` are found there.
pub(super) fn found<'v>(row: &'v Value, path: &[String]) -> Option<&'v Value> {
    let follow = |start: &'v Value| {
        path.iter().try_fold(start, |value, name| match value {
            Value::Object(fields) => {
                fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value)
            }
            _ => None,
        })
    };
    follow(row).or_else(|| match path {
        [name] if ["lastUpdated", "dateEntered"].iter().any(|date| date.eq_ignore_ascii_case(name)) => {
            row.get("_info").and_then(follow)
        }
        _ => None,
    })
}

fn compares(field: Option<&Value>, operator: Operator, value: &Literal) -> bool {
    let field = field.unwrap_or(&Value::Null);
    match (operator, value) {
        (Operator::In, Literal::Several(values)) => {
            values.iter().any(|value| order(field, value) == Some(Ordering::Equal))
        }
        (Operator::In, _) => false,
        (Operator::Contains, Literal::Text(part)) => {
            field.as_str().is_some_and(|text| text.to_lowercase().contains(&part.to_lowercase()))
        }
        (Operator::Like, Literal::Text(pattern)) => {
            field.as_str().is_some_and(|text| is_like(&text.to_lowercase(), &pattern.to_lowercase()))
        }
        (Operator::Contains | Operator::Like, _) => false,
        _ => {
            let order = order(field, value);
            match operator {
                Operator::Equal => order == Some(Ordering::Equal),
                Operator::NotEqual => order != Some(Ordering::Equal),
                Operator::Less => order == Some(Ordering::Less),
                Operator::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
                Operator::Greater => order == Some(Ordering::Greater),
                _ => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
            }
        }
    }
}

/// Compares a field with a value, texts whatever their case; nothing where they are of different sorts.
fn order(field: &Value, value: &Literal) -> Option<Ordering> {
    match (field, value) {
        (Value::Null, Literal::Null) => Some(Ordering::Equal),
        (Value::Bool(field), Literal::Switch(value)) => Some(field.cmp(value)),
        (Value::Number(field), Literal::Number(value)) => field.as_f64()?.partial_cmp(value),
        (Value::String(field), Literal::Text(value)) => Some(field.to_lowercase().cmp(&value.to_lowercase())),
        (Value::String(field), Literal::Instant(value)) => Some(dates::parse(field)?.cmp(value)),
        _ => None,
    }
}

/// Both wildcards stand for any letters: the guide has `*`, most clients write `%`.
fn is_like(text: &str, pattern: &str) -> bool {
    let Some((head, rest)) = pattern.split_once(['*', '%']) else { return text == pattern };
    let Some(left) = text.strip_prefix(head) else { return false };
    let starts = left.char_indices().map(|(at, _)| at).chain([left.len()]);
    starts.into_iter().any(|at| is_like(&left[at..], rest))
}

struct Reader {
    tokens: Vec<Token>,
    at: usize,
}

impl Reader {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let is_here = matches!(self.tokens.get(self.at), Some(Token::Word(here)) if here.eq_ignore_ascii_case(word));
        self.at += usize::from(is_here);
        is_here
    }

    fn any(&mut self) -> Result<Condition, String> {
        let mut all = vec![self.all()?];
        while self.takes_word("or") {
            all.push(self.all()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Condition::Any(all) })
    }

    fn all(&mut self) -> Result<Condition, String> {
        let mut all = vec![self.one()?];
        while self.takes_word("and") {
            all.push(self.one()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Condition::All(all) })
    }

    fn one(&mut self) -> Result<Condition, String> {
        let path = match self.next() {
            Some(Token::Open) => {
                let inner = self.any()?;
                return match self.next() {
                    Some(Token::Close) => Ok(inner),
                    _ => Err("a parenthesis is not closed".to_owned()),
                };
            }
            Some(Token::Word(path)) => path.split('/').map(str::to_owned).collect(),
            other => return Err(format!("a field is expected, not {other:?}")),
        };
        let is_not = self.takes_word("not");
        let operator = self.operator()?;
        let value = if operator == Operator::In { self.several()? } else { self.value()? };
        let condition = Condition::Compare { path, operator, value };
        Ok(if is_not { Condition::Not(Box::new(condition)) } else { condition })
    }

    fn operator(&mut self) -> Result<Operator, String> {
        match self.next() {
            Some(Token::Operator(operator)) => Ok(operator),
            Some(Token::Word(word)) => match word.to_ascii_lowercase().as_str() {
                "contains" => Ok(Operator::Contains),
                "like" => Ok(Operator::Like),
                "in" => Ok(Operator::In),
                _ => Err(format!("{word} is no operator")),
            },
            other => Err(format!("an operator is expected, not {other:?}")),
        }
    }

    fn several(&mut self) -> Result<Literal, String> {
        if self.next() != Some(Token::Open) {
            return Err("a list in parentheses is expected".to_owned());
        }
        let mut values = vec![self.value()?];
        loop {
            match self.next() {
                Some(Token::Comma) => values.push(self.value()?),
                Some(Token::Close) => return Ok(Literal::Several(values)),
                other => return Err(format!("a comma is expected, not {other:?}")),
            }
        }
    }

    fn value(&mut self) -> Result<Literal, String> {
        match self.next() {
            Some(Token::Text(text)) => Ok(Literal::Text(text.replace("[[]", "["))),
            Some(Token::Date(text)) => dates::parse(&text).map(Literal::Instant).ok_or(format!("{text} is no date")),
            Some(Token::Word(word)) => match word.to_ascii_lowercase().as_str() {
                "null" => Ok(Literal::Null),
                "true" => Ok(Literal::Switch(true)),
                "false" => Ok(Literal::Switch(false)),
                number => number.parse().map(Literal::Number).map_err(|_| format!("{word} is no value")),
            },
            other => Err(format!("a value is expected, not {other:?}")),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '(' => (Token::Open, 1),
            ')' => (Token::Close, 1),
            ',' => (Token::Comma, 1),
            '"' | '\'' => {
                let end = rest[1..].find(first).ok_or("a text is not closed")?;
                (Token::Text(rest[1..=end].to_owned()), end + 2)
            }
            '[' => {
                let end = rest.find(']').ok_or("a date is not closed")?;
                (Token::Date(rest[1..end].trim().to_owned()), end + 1)
            }
            '=' | '!' | '<' | '>' => comparison(rest)?,
            _ => {
                let end = rest.find(|letter: char| letter.is_whitespace() || "()=!<>,\"'[".contains(letter));
                let word = &rest[..end.unwrap_or(rest.len())];
                (Token::Word(word.to_owned()), word.len())
            }
        };
        tokens.push(token);
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

fn comparison(rest: &str) -> Result<(Token, usize), String> {
    let signs = [
        ("!=", Operator::NotEqual),
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("=", Operator::Equal),
        ("<", Operator::Less),
        (">", Operator::Greater),
    ];
    let found = signs.into_iter().find(|(sign, _)| rest.starts_with(sign));
    found.map(|(sign, operator)| (Token::Operator(operator), sign.len())).ok_or("! stands alone".to_owned())
}
