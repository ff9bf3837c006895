// Package incremental proves that a view's contents equal what PostgreSQL answers for the same query over the same rows.
//
//	seed -> schema, views, statements -> both servers -> view == ad hoc SELECT == PostgreSQL, at every stop
//
// A scenario is everything that one seed makes: relations (streams and tables), views over them (some made before, some
// amid the data, some over views; they are dropped, replaced and rebuilt on the way), and statements (INSERT, UPDATE, DELETE, blocks that commit or roll back). The shard count
// varies, and the server is killed and restarted on the way. A failure prints its seed; MILLRACE_SEED runs that one alone.
package incremental
