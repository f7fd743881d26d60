//! Putting definitions where they are referred to, for vendors that know no `$ref`.

use std::borrow::Cow;
use std::collections::HashMap;

use super::super::json::{Json, Obj, obj};

/// No schema gets deeper by it.
const MAX_DEPTH: usize = 64;
/// Objects with more members are searched by an index.
const NARROW: usize = 16;
/// So many bytes of a text count as one node.
const NODE_BYTES: usize = 32;

/// The schema without `$ref` and `$defs`. A definition that contains itself is cut to any object. `budget` is the
/// number of nodes that may be written yet, in all schemas of a request: references to references multiply. Long
/// texts count as several nodes.
pub(crate) fn inline<'a>(schema: &Json<'a>, budget: &mut usize) -> Json<'a> {
    let mut walk = Walk { root: schema, open: Vec::new(), indexes: HashMap::new(), budget };
    walk.value(schema, 0, true)
}

struct Walk<'r, 'a, 'b> {
    root: &'r Json<'a>,
    /// References that are being put in.
    open: Vec<&'r str>,
    /// Of the wide objects that references lead through, by their paths: what is called how.
    indexes: HashMap<&'r str, HashMap<&'r str, &'r Json<'a>>>,
    budget: &'b mut usize,
}

impl<'r, 'a> Walk<'r, 'a, '_> {
    fn value(&mut self, value: &'r Json<'a>, depth: usize, is_schema: bool) -> Json<'a> {
        if !self.spend() || depth > MAX_DEPTH {
            return any_object();
        }
        match value {
            Json::Obj(object) if is_schema => self.schema(object, depth),
            Json::Obj(object) => {
                let mut out = Obj::default();
                for (key, value) in &object.members {
                    if !self.spend_many(key.len() / NODE_BYTES) {
                        break;
                    }
                    out.members.push((key.clone(), self.value(value, depth + 1, true)));
                }
                Json::Obj(out)
            }
            Json::Arr(items) => {
                Json::Arr(items.iter().map(|item| self.value(item, depth + 1, is_schema)).collect())
            }
            other if self.spend_many(weight(other)) => other.clone(),
            _ => any_object(),
        }
    }

    fn spend(&mut self) -> bool {
        self.spend_many(1)
    }

    fn spend_many(&mut self, nodes: usize) -> bool {
        let left = self.budget.checked_sub(nodes);
        *self.budget = left.unwrap_or(0);
        left.is_some()
    }

    fn resolve(&mut self, reference: &'r str) -> Option<&'r Json<'a>> {
        let path = reference.strip_prefix('#')?;
        let mut at = self.root;
        let mut begin = 0;
        for step in path.split('/').skip(1) {
            let so_far = path.get(..begin)?;
            begin += 1 + step.len();
            let step: Cow<'_, str> = if step.contains('~') {
                step.replace("~1", "/").replace("~0", "~").into()
            } else {
                step.into()
            };
            at = match at {
                Json::Obj(object) if object.members.len() <= NARROW => object.get(&step)?,
                Json::Obj(object) => self
                    .indexes
                    .entry(so_far)
                    .or_insert_with(|| object.members.iter().map(|(key, value)| (&**key, value)).collect())
                    .get(&*step)?,
                Json::Arr(items) => items.get(step.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        Some(at)
    }

    fn schema(&mut self, object: &'r Obj<'a>, depth: usize) -> Json<'a> {
        if let Some(Json::Str(reference)) = object.get("$ref") {
            let reference: &'r str = reference;
            if self.open.contains(&reference) {
                return any_object();
            }
            let Some(found) = self.resolve(reference) else { return any_object() };
            self.open.push(reference);
            let mut inlined = self.value(found, depth + 1, true);
            self.open.pop();
            if let (Json::Obj(inlined), Some(description)) = (&mut inlined, object.get("description"))
                && self.spend_many(weight(description))
            {
                inlined.set("description", description.clone());
            }
            return inlined;
        }
        let mut out = Obj::default();
        for (key, value) in &object.members {
            let value = match &**key {
                "$defs" | "definitions" => continue,
                key if super::NAMED.contains(&key) => self.value(value, depth + 1, false),
                key if super::ONE.contains(&key) || super::LIST.contains(&key) => {
                    self.value(value, depth + 1, true)
                }
                key if !self.spend_many(key.len() / NODE_BYTES + weight(value)) => break,
                _ => value.clone(),
            };
            out.members.push((key.clone(), value));
        }
        Json::Obj(out)
    }
}

/// The nodes that a copy of this has.
fn weight(value: &Json<'_>) -> usize {
    1 + match value {
        Json::Str(text) | Json::Num(text) | Json::Raw(text) => text.len() / NODE_BYTES,
        Json::Arr(items) => items.iter().map(weight).sum(),
        Json::Obj(object) => {
            object.members.iter().map(|(key, value)| key.len() / NODE_BYTES + weight(value)).sum()
        }
        Json::Null | Json::Bool(_) => 0,
    }
}

fn any_object<'a>() -> Json<'a> {
    obj([("type", "object".into())])
}
