// Works with a schema registry through npm's @kafkajs/confluent-schema-registry: registers, looks up, evolves, is refused. The
// client cannot delete; a request does.
//
//	node kafkajs.mjs URL
import assert from "node:assert/strict";
import { COMPATIBILITY, SchemaRegistry, SchemaType } from "@kafkajs/confluent-schema-registry";

const host = process.argv[2];
const subject = `kafkajs-${Date.now()}`;
const first = JSON.stringify({ title: "kafkajs", type: "object", properties: { so: { type: "string" } }, additionalProperties: false });
const widened = JSON.stringify({ title: "kafkajs", type: "object", properties: { so: { type: "string" }, ten: { type: "string" } }, additionalProperties: false });
const breaking = JSON.stringify({ title: "kafkajs", type: "object", properties: { so: { type: "integer" } }, additionalProperties: false });
const json = (schema) => ({ type: SchemaType.JSON, schema });

const registry = new SchemaRegistry({ host, retry: { retries: 0 } });
const options = { subject, compatibility: COMPATIBILITY.BACKWARD };
const one = await registry.register(json(first), options); // finds no level for the subject, and sets it
assert.equal((await (await fetch(`${host}/config/${subject}`)).json()).compatibilityLevel, "BACKWARD");
assert.equal((await registry.register(json(first), options)).id, one.id);
assert.equal(await registry.getRegistryId(subject, 1), one.id);
assert.equal(await registry.getRegistryIdBySchema(subject, json(first)), one.id);
await assert.rejects(registry.register(json(breaking), options), /incompatible/i);
const two = await registry.register(json(widened), options);
assert.equal(await registry.getLatestSchemaId(subject), two.id);
const wire = await registry.encode(two.id, { so: "01/2026", ten: "Trần Thị Thử" });
assert.deepEqual(await registry.decode(wire), { so: "01/2026", ten: "Trần Thị Thử" });
await assert.rejects(registry.encode(two.id, { so: 1 }));
await assert.rejects(registry.register(json(first), { subject, compatibility: COMPATIBILITY.FULL }), /compatibility/i);
for (const permanent of ["false", "true"]) {
  assert.deepEqual(await (await fetch(`${host}/subjects/${subject}?permanent=${permanent}`, { method: "DELETE" })).json(), [1, 2]);
}
await assert.rejects(new SchemaRegistry({ host, retry: { retries: 0 } }).getSchema(one.id));
console.log("@kafkajs/confluent-schema-registry: registered, looked up, evolved, was refused, deleted");
