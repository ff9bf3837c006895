"""Reads what a sink wrote with Confluent's Avro deserializer, and writes it to another topic with their serializer, under a
schema of its own: other names of records, the fields in another order, one more of them.

avro.py BROKER REGISTRY FROM TO
"""
import json
import sys

from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

broker, registry, source, target = sys.argv[1:]
client = SchemaRegistryClient({"url": registry})


def other(subject):
    schema = json.loads(client.get_latest_version(subject).schema.schema_str)
    schema["name"] += "_by_python"
    schema["fields"].reverse()
    if subject.endswith("-value"):
        schema["fields"].insert(0, {"name": "via", "type": "string", "default": "python"})
    return json.dumps(schema)


deserialize = AvroDeserializer(client)
write_key = AvroSerializer(client, other(source + "-key"))
write_value = AvroSerializer(client, other(source + "-value"))
consumer = Consumer({"bootstrap.servers": broker, "group.id": "avro.py", "isolation.level": "read_committed",
                     "enable.auto.commit": False, "enable.partition.eof": True})
partitions = consumer.list_topics(source).topics[source].partitions
consumer.assign([TopicPartition(source, p, 0) for p in partitions])
producer = Producer({"bootstrap.servers": broker})
left, rows = set(partitions), 0
while left:
    record = consumer.poll(60)
    if record is None:
        sys.exit(f"nothing came; not at the end of {left}")
    if record.error():
        if record.error().code() != KafkaError._PARTITION_EOF:
            sys.exit(str(record.error()))
        left.discard(record.partition())
        continue
    key = deserialize(record.key(), SerializationContext(source, MessageField.KEY))
    value = deserialize(record.value(), SerializationContext(source, MessageField.VALUE))
    producer.produce(target, key=write_key(key, SerializationContext(target, MessageField.KEY)),
                     value=None if value is None else write_value(value, SerializationContext(target, MessageField.VALUE)))
    rows += 1
consumer.close()
producer.flush()
print(rows)
