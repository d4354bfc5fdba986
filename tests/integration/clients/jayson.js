// jayson: its TCP client, which takes a path as well. One JSON value a line, a connection for every request, a UUID as
// the id; the next reply on the connection is the answer. A notification half-closes behind itself.
'use strict';

const assert = require('node:assert/strict');
const jayson = require('jayson');
const promised = require('jayson/promise');
const { check, path, run, until } = require('./check');

const client = jayson.Client.tcp({ path });

// The whole response, as its callback with two arguments gets it.
const respond = (from, ...request) =>
	new Promise((resolve, reject) => {
		from.request(...request, (error, response) => (error ? reject(error) : resolve(response)));
	});

const tasks = async (tag) => (await respond(client, 'task.list', { tag })).result.tasks;

check('arguments by position', async () => {
	assert.equal((await respond(client, 'fib', [20])).result, 6765);
});

check('arguments by name', async () => {
	assert.equal((await respond(client, 'fib', { n: 20 })).result, 6765);
});

check('no arguments, and null as the result', async () => {
	const response = await respond(client, 'noop', undefined);
	assert.equal(response.jsonrpc, '2.0');
	assert.equal(response.result, null);
	assert.ok(!('error' in response));
});

check('ids of its own: UUIDs, numbers, strings', async () => {
	const { id } = await respond(client, 'noop', []);
	assert.match(id, /^[0-9a-f-]{36}$/);
	for (const given of [0, 7, -1, 1.5, '', '0', 'ключ "\\\n'])
		assert.equal((await respond(client, 'noop', [], given)).id, given);
	const counting = jayson.Client.tcp({ path, generator: () => 42 });
	assert.equal((await respond(counting, 'noop', [])).id, 42);
});

check('a callback with three arguments: error and result apart', async () => {
	const split = (...request) =>
		new Promise((resolve, reject) => {
			client.request(...request, (broken, error, result) => (broken ? reject(broken) : resolve({ error, result })));
		});
	assert.deepEqual(await split('fib', [10]), { error: undefined, result: 55 });
	const { error, result } = await split('fip', [10]);
	assert.equal(result, undefined);
	assert.equal(error.code, -32601);
	assert.equal(error.data.did_you_mean, 'fib');
});

check("a handler's error: its code, message and data", async () => {
	const { error } = await respond(client, 'fail', [1234, 'no luck', { tries: [1, 2] }]);
	assert.equal(error.code, 1234);
	assert.equal(error.message, 'no luck');
	assert.equal(error.data.kind, 'failed');
	assert.deepEqual(error.data.data, { tries: [1, 2] });
});

check('a worker that dies is an error with its signal', async () => {
	const { error } = await respond(client, 'abort', []);
	assert.equal(error.code, -32001);
	assert.equal(error.data.kind, 'crashed');
	assert.equal(error.data.signal_name, 'SIGABRT');
	assert.ok(error.data.pid > 0);
});

check('a batch, with an error and a notification in it', async () => {
	const batch = [
		client.request('fib', [10], 'a'),
		client.request('nope', [], 'b'),
		client.request('task.submit', { task: 'noop', tag: 'jayson-in-batch' }, null),
		client.request('echo', { x: 1 }, 'c'),
	];
	const responses = await respond(client, batch);
	assert.equal(responses.length, 3);
	const by = Object.fromEntries(responses.map((response) => [response.id, response]));
	assert.equal(by.a.result, 55);
	assert.equal(by.b.error.code, -32601);
	assert.deepEqual(by.c.result, { x: 1 });
	await until(() => tasks('jayson-in-batch'), ([task]) => task && task.state === 'succeeded');
});

check('a batch by a callback with three arguments', async () => {
	const batch = [client.request('fib', [10]), client.request('nope', [])];
	const { errors, results } = await new Promise((resolve, reject) => {
		client.request(batch, (broken, errors, results) => (broken ? reject(broken) : resolve({ errors, results })));
	});
	assert.deepEqual(errors.map(({ error }) => error.code), [-32601]);
	assert.deepEqual(results.map(({ result }) => result), [55]);
});

check('an empty batch is one error', async () => {
	const response = await respond(client, []);
	assert.equal(response.error.code, -32600);
	assert.equal(response.id, null);
});

check('a notification is queued, and its outcome kept', async () => {
	const answer = await respond(client, 'task.submit', { task: 'fib', args: [15], tag: 'jayson-notified' }, null);
	assert.equal(answer, undefined);
	const [task] = await until(() => tasks('jayson-notified'), ([task]) => task && task.state === 'succeeded');
	assert.equal((await respond(client, 'task.result', { id: task.id })).result, 610);
});

check('submit, status, wait, result, forget', async () => {
	const { id, state } = (await respond(client, 'task.submit', { task: 'fib', args: [20], watch: true })).result;
	assert.equal(state, 'queued');
	const waited = (await respond(client, 'task.wait', { ids: [id] })).result;
	assert.deepEqual(waited.done.map((record) => record.state), ['succeeded']);
	assert.equal((await respond(client, 'task.status', { id })).result.task, 'fib');
	assert.equal((await respond(client, 'task.result', [id])).result, 6765);
	assert.deepEqual((await respond(client, 'task.forget', { ids: id })).result, [{ id, state: 'forgotten' }]);
	assert.equal((await respond(client, 'task.result', [id])).error.data.kind, 'forgotten');
});

check('cancelled from another connection than the one that waits', async () => {
	const waiting = respond(client, 'task.call', { task: 'sleep', args: [600], tag: 'jayson-cancelled' });
	const [{ id }] = await until(() => tasks('jayson-cancelled'), (found) => found.length > 0);
	await respond(client, 'task.cancel', { ids: id });
	const { error } = await waiting;
	assert.equal(error.code, -32003);
	assert.equal(error.data.id, id);
});

check('200 at once, each on a connection of its own', async () => {
	const numbers = Array.from({ length: 200 }, (_, i) => i);
	const responses = await Promise.all(numbers.map((n) => respond(client, 'echo', [n])));
	assert.deepEqual(responses.map(({ result }) => result), numbers);
});

check('text of many bytes a letter, a megabyte of it', async () => {
	const text = 'äß€𝄞\u2028"\\'.repeat(60000);
	assert.equal((await respond(client, 'echo', [text])).result, text);
});

check('a reviver and a replacer', async () => {
	const dates = jayson.Client.tcp({
		path,
		replacer: (key, value) => (key === 'secret' ? undefined : value),
		reviver: (key, value) => (key === 'at' ? new Date(value) : value),
	});
	const { result } = await respond(dates, 'echo', { at: '2026-01-02T03:04:05Z', secret: 1 });
	assert.deepEqual(result, { at: new Date('2026-01-02T03:04:05Z') });
});

check('its client with promises', async () => {
	const { result } = await promised.Client.tcp({ path }).request('task.map', { task: 'fib', items: [10, 20] });
	assert.deepEqual(result, [55, 6765]);
});

check('its requests as of JSON-RPC 1.0 are refused in words', async () => {
	const old = jayson.Client.tcp({ path, version: 1 });
	const response = await respond(old, 'fib', [10], 5);
	assert.equal(response.error.code, -32600);
	assert.equal(response.id, 5);
});

run('jayson');
