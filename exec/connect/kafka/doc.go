// Package kafka is the connector for Apache Kafka and what speaks its protocol.
//
//	broker --fetch--> kgo.Client --records--> builder (format.Decoder) --Part--> engine
//	          ^                                                            |
//	          +---------- next offset of each partition <-----------------+
//
// A Source assigns itself every partition of its topic; there is no consumer group, and nothing is ever read
// back from one: the engine commits a part's offsets with its rows, and Run starts where those left off.
//
// The way out is drawn in sink.go: a Sink's producer is made anew after every failure, and asks the broker where to go on.
// sinksend.go overlaps the transactions of one life.
//
// Goroutines: Run polls, decodes and delivers; watch looks for new partitions and asks for the ends of the
// partitions that millrace.sources compares with. They share what tracker guards.
//
// Invariants
//   - partition.next is the offset after the last record that was put in a part, decodable or not; a record
//     below it is never delivered again by this Source.
//   - The first start pins the offset of every partition, and delivers the pins before any row, so that a
//     start at "latest" means the same instant after a crash. Partitions that appear later start at 0.
//   - Lost records are never passed over in silence: an offset out of range, or a topic made anew under its
//     name, ends the source (on_offset_loss = 'fail') or leaves an error row that tells the gap. The offsets carry
//     the topic's id and the leader epoch of each partition, so that this holds for a source that was away, too.
//   - Every client ends with the context of what it works for: nothing waits for a broker that does not answer.
//   - Memory is bounded: one fetch a broker, at most maxFetches at a time, and parts that Deliver accepted.
//
// What does not belong: what is in a record (exec/connect/format), and when parts are durable (the engine).
package kafka
