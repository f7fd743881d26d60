//! Putting definitions where they are referred to, for vendors that know no `$ref`.

use std::borrow::Cow;

use super::super::json::{Json, Obj, obj};

/// No schema gets deeper by it.
const MAX_DEPTH: usize = 64;

/// The schema without `$ref` and `$defs`. A definition that contains itself is cut to any object. `budget` is the
/// number of nodes that may be written yet, in all schemas of a request: references to references multiply.
pub(crate) fn inline<'a>(schema: &Json<'a>, budget: &mut usize) -> Json<'a> {
    let mut walk = Walk { root: schema, open: Vec::new(), budget };
    walk.value(schema, 0, true)
}

struct Walk<'r, 'a, 'b> {
    root: &'r Json<'a>,
    /// References that are being put in.
    open: Vec<&'r str>,
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
                    out.members.push((key.clone(), self.value(value, depth + 1, true)));
                }
                Json::Obj(out)
            }
            Json::Arr(items) => {
                Json::Arr(items.iter().map(|item| self.value(item, depth + 1, is_schema)).collect())
            }
            other => other.clone(),
        }
    }

    fn spend(&mut self) -> bool {
        let left = self.budget.checked_sub(1);
        *self.budget = left.unwrap_or(0);
        left.is_some()
    }

    fn schema(&mut self, object: &'r Obj<'a>, depth: usize) -> Json<'a> {
        if let Some(Json::Str(reference)) = object.get("$ref") {
            let reference: &'r str = reference;
            if self.open.contains(&reference) {
                return any_object();
            }
            let Some(found) = resolve(self.root, reference) else { return any_object() };
            self.open.push(reference);
            let mut inlined = self.value(found, depth + 1, true);
            self.open.pop();
            if let (Json::Obj(inlined), Some(description)) = (&mut inlined, object.get("description")) {
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
                _ if !self.spend() => break,
                _ => value.clone(),
            };
            out.members.push((key.clone(), value));
        }
        Json::Obj(out)
    }
}

fn resolve<'r, 'a>(root: &'r Json<'a>, reference: &str) -> Option<&'r Json<'a>> {
    let mut at = root;
    for step in reference.strip_prefix('#')?.split('/').skip(1) {
        let step: Cow<'_, str> =
            if step.contains('~') { step.replace("~1", "/").replace("~0", "~").into() } else { step.into() };
        at = match at {
            Json::Obj(object) => object.get(&step)?,
            Json::Arr(items) => items.get(step.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(at)
}

fn any_object<'a>() -> Json<'a> {
    obj([("type", "object".into())])
}
