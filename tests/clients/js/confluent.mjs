// Works with a schema registry through npm's @confluentinc/schemaregistry: registers, looks up, evolves, is refused, deletes.
//
//	node confluent.mjs URL
import assert from "node:assert/strict";
import { JsonDeserializer, JsonSerializer, SerdeType, SchemaRegistryClient } from "@confluentinc/schemaregistry";

const first = JSON.stringify({ title: "js", type: "object", properties: { so: { type: "string" } }, additionalProperties: false });
const widened = JSON.stringify({ title: "js", type: "object", properties: { so: { type: "string" }, ten: { type: "string" } }, additionalProperties: false });
const breaking = JSON.stringify({ title: "js", type: "object", properties: { so: { type: "integer" } }, additionalProperties: false });
const json = (schema) => ({ schema, schemaType: "JSON" });

const client = new SchemaRegistryClient({ baseURLs: [process.argv[2]], maxRetries: 0 });
const topic = `js-${Date.now()}`;
const subject = `${topic}-value`;

await client.updateCompatibility(subject, "BACKWARD");
assert.equal(await client.getCompatibility(subject), "BACKWARD");
const one = await client.registerFullResponse(subject, json(first));
assert.equal(await client.register(subject, json(first), true), one.id);
assert.equal(await client.getId(subject, json(first)), one.id);
assert.equal(await client.getVersion(subject, json(first)), 1);
assert.equal((await client.getBySubjectAndId(subject, one.id)).schema, first);
assert.equal((await client.getByGuid(one.guid)).schema, first);
assert.equal((await client.getLatestSchemaMetadata(subject)).version, 1);
assert.equal(await client.testSubjectCompatibility(subject, json(breaking)), false);
assert.equal(await client.testSubjectCompatibility(subject, json(widened)), true);
await assert.rejects(client.register(subject, json(breaking)), (e) => e.status === 409 && e.errorCode === 40901);
const two = await client.register(subject, json(widened));
assert.notEqual(two, one.id);

// Another client, as another process is: this one keeps what it took for the latest version.
const later = new SchemaRegistryClient({ baseURLs: [process.argv[2]], maxRetries: 0 });
const serializer = new JsonSerializer(later, SerdeType.VALUE, { useLatestVersion: true, validate: true });
const wire = await serializer.serialize(topic, { so: "01/2026", ten: "Nguyễn Văn Mẫu" });
assert.equal(wire.readInt32BE(1), two);
const back = await new JsonDeserializer(later, SerdeType.VALUE, { validate: true }).deserialize(topic, wire);
assert.equal(back.ten, "Nguyễn Văn Mẫu");
await assert.rejects(serializer.serialize(topic, { so: 1 }));

assert.deepEqual(await client.getAllVersions(subject), [1, 2]);
assert.ok((await client.getAllSubjects()).includes(subject));
assert.equal(await client.deleteSubjectVersion(subject, 1), 1);
assert.deepEqual(await client.deleteSubject(subject), [2]);
assert.deepEqual(await client.deleteSubject(subject, true), [1, 2]);
await assert.rejects(client.getAllVersions(subject), (e) => e.status === 404 && e.errorCode === 40401);
await client.close();
await later.close();
console.log("@confluentinc/schemaregistry: registered, looked up, evolved, was refused, deleted");
