//! Models of random shapes, made from bytes: what no service has put together yet.

use serde_json::{Map, Value as Json, json};
use wire::{Model, Protocol};

use crate::values::Tape;

/// The name of the one operation.
pub const OPERATION: &str = "Act";

/// A model with one operation in one protocol. It lives as long as the test.
pub fn model(protocol: Protocol, tape: &mut Tape<'_>) -> &'static Model {
    let mut shapes = Shapes { protocol, made: Map::new() };
    let mut uri = "/act".to_owned();
    let input = shapes.end("Input", tape, Some(&mut uri));
    let output = shapes.end("Output", tape, None);
    let (name, version) = match protocol {
        Protocol::RestJson => ("rest-json", ""),
        Protocol::RestXml => ("rest-xml", ""),
        Protocol::Json10 => ("json", "1.0"),
        Protocol::Json11 => ("json", "1.1"),
        Protocol::Query => ("query", ""),
        Protocol::Cbor => ("smithy-rpc-v2-cbor", ""),
    };
    let method = ["POST", "PUT", "GET"][tape.below(3)];
    let document = json!({
        "metadata": { "protocol": name, "jsonVersion": version, "targetPrefix": "Random", "apiVersion": "2026-01-01" },
        "operations": { OPERATION: {
            "name": OPERATION,
            "http": { "method": method, "requestUri": uri },
            "input": { "shape": input, "locationName": "ActRequest", "xmlNamespace": { "uri": "http://random.example/" } },
            "output": { "shape": output },
        } },
        "shapes": shapes.made,
    });
    let model = Model::parse("random", document.to_string().as_bytes());
    Box::leak(Box::new(model.unwrap_or_else(|error| panic!("{error}: {document}"))))
}

struct Shapes {
    protocol: Protocol,
    made: Map<String, Json>,
}

/// Lists and maps nest up to here.
const DEPTH: usize = 4;

impl Shapes {
    fn put(&mut self, name: &str, shape: Json) -> String {
        let name = format!("{name}{}", self.made.len());
        self.made.insert(name.clone(), shape);
        name
    }

    /// An input or output, with members all over the request or answer.
    fn end(&mut self, name: &str, tape: &mut Tape<'_>, uri: Option<&mut String>) -> String {
        let mut structure = self.members(tape, 0);
        if self.protocol.is_rest() {
            let members = structure["members"].as_object_mut().expect("a structure has members");
            if let Some(uri) = uri {
                self.in_request(tape, uri, members);
            }
            self.in_headers(tape, members);
            if tape.below(2) == 0 {
                let (payload, traits) = self.payload(tape);
                let mut member = json!({ "shape": payload });
                member.as_object_mut().expect("made above").extend(traits);
                // All that is in no other place is in the payload.
                members.retain(|_, member| member.get("location").is_some());
                members.insert("Payload".into(), member);
                structure["payload"] = json!("Payload");
            }
        } else if name == "Output" && self.protocol != Protocol::Query && tape.below(4) == 0 {
            let members = structure["members"].as_object_mut().expect("a structure has members");
            members.clear();
            members.insert("Coming".into(), json!({ "shape": self.events(tape) }));
        }
        self.put(name, structure)
    }

    fn in_request(&mut self, tape: &mut Tape<'_>, uri: &mut String, members: &mut Map<String, Json>) {
        for index in 0..tape.below(3) {
            let name = format!("Label{index}");
            uri.push_str(&format!("/{{{name}}}"));
            let shape = self.put("Text", json!({ "type": "string" }));
            members.insert(name.clone(), json!({ "shape": shape, "location": "uri", "locationName": name }));
        }
        for index in 0..tape.below(4) {
            let shape = self.flat(tape);
            let member =
                json!({ "shape": shape, "location": "querystring", "locationName": format!("q-{index}") });
            members.insert(format!("Query{index}"), member);
        }
    }

    fn in_headers(&mut self, tape: &mut Tape<'_>, members: &mut Map<String, Json>) {
        for index in 0..tape.below(4) {
            let shape = self.flat(tape);
            let member =
                json!({ "shape": shape, "location": "header", "locationName": format!("x-h-{index}") });
            members.insert(format!("Header{index}"), member);
        }
        if tape.below(3) == 0 {
            let text = self.put("Text", json!({ "type": "string" }));
            let part = json!({ "shape": text });
            let map = self.put("Headers", json!({ "type": "map", "key": part, "value": part }));
            let member = json!({ "shape": map, "location": "headers", "locationName": "x-meta-" });
            members.insert("Meta".into(), member);
        }
    }

    /// What headers and parameters hold: a scalar or a list of them.
    fn flat(&mut self, tape: &mut Tape<'_>) -> String {
        let scalar = self.scalar(tape);
        if tape.below(3) > 0 || self.made[&scalar]["type"] == "string" || self.made[&scalar]["type"] == "blob"
        {
            return scalar;
        }
        self.put("Flat", json!({ "type": "list", "member": { "shape": scalar } }))
    }

    fn payload(&mut self, tape: &mut Tape<'_>) -> (String, Map<String, Json>) {
        let mut traits = Map::new();
        let shape = match tape.below(5) {
            0 => self.put("Text", json!({ "type": "string" })),
            1 => self.put("Blob", json!({ "type": "blob" })),
            2 => {
                traits.insert("streaming".into(), json!(true));
                self.put("Blob", json!({ "type": "blob" }))
            }
            3 => self.events(tape),
            _ => {
                traits.insert("locationName".into(), json!("Root"));
                let structure = self.members(tape, 1);
                self.put("Body", structure)
            }
        };
        (shape, traits)
    }

    fn events(&mut self, tape: &mut Tape<'_>) -> String {
        let mut kinds = Map::new();
        for index in 0..=tape.below(3) {
            let mut event = match tape.below(3) {
                0 => {
                    let kind = ["blob", "string"][tape.below(2)];
                    let payload = self.put("Part", json!({ "type": kind }));
                    json!({ "type": "structure", "members": { "Part": { "shape": payload, "eventpayload": true } } })
                }
                1 => {
                    let inner = self.members(tape, 2);
                    let inner = self.put("Part", inner);
                    json!({ "type": "structure", "members": { "Part": { "shape": inner, "eventpayload": true } } })
                }
                _ => self.members(tape, 2),
            };
            let kind = ["long", "boolean", "blob", "timestamp"][tape.below(4)];
            let header = self.put("Mark", json!({ "type": kind }));
            event["members"]["Mark"] = json!({ "shape": header, "eventheader": true });
            event["event"] = json!(true);
            let event = self.put("Event", event);
            kinds.insert(format!("Kind{index}"), json!({ "shape": event }));
        }
        self.put("Events", json!({ "type": "structure", "members": kinds, "eventstream": true }))
    }

    /// A structure that is not put yet.
    fn members(&mut self, tape: &mut Tape<'_>, depth: usize) -> Json {
        let mut members = Map::new();
        for index in 0..=tape.below(4) {
            let shape = self.any(tape, depth + 1);
            let kind = self.made[&shape]["type"].clone();
            let mut member = json!({ "shape": shape });
            if tape.below(2) == 0 {
                member["locationName"] = json!(format!("m-{index}"));
            }
            if tape.below(3) == 0 && (kind == "list" || kind == "map") {
                member["flattened"] = json!(true);
            }
            if tape.below(4) == 0 && kind == "string" && self.protocol == Protocol::RestXml {
                member["xmlAttribute"] = json!(true);
            }
            if tape.below(4) == 0 {
                member["xmlNamespace"] = json!({ "prefix": "p", "uri": "http://random.example/p?a=1&b" });
            }
            members.insert(format!("Member{index}"), member);
        }
        json!({ "type": "structure", "members": members })
    }

    fn any(&mut self, tape: &mut Tape<'_>, depth: usize) -> String {
        if depth > DEPTH {
            return self.scalar(tape);
        }
        match tape.below(8) {
            0 => {
                let item = self.any(tape, depth + 1);
                let mut part = json!({ "shape": item });
                if tape.below(2) == 0 {
                    part["locationName"] = json!("item");
                }
                self.put("List", json!({ "type": "list", "member": part }))
            }
            1 => {
                let key = self.put("Text", json!({ "type": "string" }));
                let value = self.any(tape, depth + 1);
                let map = match tape.below(2) {
                    0 => json!({ "type": "map", "key": { "shape": key }, "value": { "shape": value } }),
                    _ => json!({
                        "type": "map",
                        "key": { "shape": key, "locationName": "Name" },
                        "value": { "shape": value, "locationName": "Of" },
                    }),
                };
                self.put("Map", map)
            }
            2 | 3 => {
                let structure = self.members(tape, depth);
                self.put("Structure", structure)
            }
            _ => self.scalar(tape),
        }
    }

    fn scalar(&mut self, tape: &mut Tape<'_>) -> String {
        match tape.below(8) {
            0 => self.put("Boolean", json!({ "type": "boolean" })),
            1 => self.put("Integer", json!({ "type": "integer" })),
            2 => self.put("Long", json!({ "type": "long" })),
            3 => self.put("Double", json!({ "type": "double" })),
            4 => self.put("Blob", json!({ "type": "blob" })),
            5 => self.put("Time", json!({ "type": "timestamp" })),
            6 => {
                let format = ["iso8601", "unixTimestamp", "rfc822"][tape.below(3)];
                self.put("Time", json!({ "type": "timestamp", "timestampFormat": format }))
            }
            _ => self.put("Text", json!({ "type": "string" })),
        }
    }
}
