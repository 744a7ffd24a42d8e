"""Works with a schema registry through PyPI's confluent-kafka: registers, looks up, evolves, is refused, deletes.

    python client.py URL
"""

import json
import sys
import time

from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.serialization import MessageField, SerializationContext, SerializationError


def schema(so="string", references=None, **more):
    properties = {"so": {"type": so}, **more}
    return Schema(json.dumps({"title": "python", "type": "object", "properties": properties, "additionalProperties": False}), "JSON", references or [])


def refused(code, call, *args, **kwargs):
    try:
        answer = call(*args, **kwargs)
    except SchemaRegistryError as e:
        assert e.error_code == code, e
        return
    raise AssertionError(f"expected {code}, got {answer}")


def main(url):
    client = SchemaRegistryClient({"url": url, "max.retries": 0})
    topic = f"python-{time.time_ns()}"
    subject = f"{topic}-value"
    first, widened, breaking = schema(), schema(ten={"type": "string"}), schema("integer")

    client.set_compatibility(subject, "BACKWARD")
    assert client.get_compatibility(subject) == "BACKWARD"
    one = client.register_schema(subject, first)
    assert client.register_schema(subject, first, normalize_schemas=False) == one
    assert client.lookup_schema(subject, first).version == 1
    assert json.loads(client.get_schema(one, subject).schema_str) == json.loads(first.schema_str)
    assert client.get_latest_version(subject).schema_id == one
    assert not client.test_compatibility(subject, breaking)
    assert client.test_compatibility(subject, widened)
    refused(40901, client.register_schema, subject, breaking)
    refused(42201, client.register_schema, subject, Schema('{"type":', "JSON"))
    two = client.register_schema(subject, widened)
    assert two != one and client.get_versions(subject) == [1, 2]

    where = SerializationContext(topic, MessageField.VALUE)
    later = SchemaRegistryClient({"url": url})  # as another process; this one keeps what it took for the latest version
    serialize = JSONSerializer(widened, later, conf={"auto.register.schemas": False, "use.latest.version": True})
    wire = serialize({"so": "01/2026", "ten": "Lê Văn Thử"}, where)
    assert int.from_bytes(wire[1:5], "big") == two
    assert JSONDeserializer(None, schema_registry_client=later)(wire, where)["ten"] == "Lê Văn Thử"
    try:
        serialize({"so": 1}, where)
    except SerializationError:
        pass
    else:
        raise AssertionError("a document that is not valid was serialized")

    other = subject + "-list"
    client.set_compatibility(other, "NONE")
    listing = Schema('{"type":"array","items":{"$ref":"ho-so.json"}}', "JSON", [SchemaReference("ho-so.json", subject, 2)])
    client.register_schema(other, listing)
    refused(42206, client.delete_version, subject, 2)
    for s in other, subject:
        client.delete_subject(s)
        client.delete_subject(s, permanent=True)
    assert subject not in client.get_subjects()
    refused(40401, client.get_versions, subject)
    print("confluent-kafka: registered, looked up, evolved, was refused, deleted")


main(sys.argv[1])
