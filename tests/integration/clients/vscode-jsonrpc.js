// vscode-jsonrpc: what editors speak with language servers. Content-Length before each message, ids from 0, and
// cancellation tokens, which are $/cancelRequest on the wire. It makes no batches.
'use strict';

const assert = require('node:assert/strict');
const rpc = require('vscode-jsonrpc/node');
const { check, path, rejection, run, until } = require('./check');

// Runs body with a connection made as the library makes one to a pipe, and closes it. The library may not have had
// anything to complain of.
async function with_connection(body) {
	const complaints = [];
	const complain = (...said) => complaints.push(said.map(String).join(' '));
	const [reader, writer] = rpc.createServerPipeTransport(path);
	const logger = { error: complain, warn: complain, info() {}, log() {} };
	const connection = rpc.createMessageConnection(reader, writer, logger);
	const closed = new Promise((resolve) => connection.onClose(resolve));
	connection.onError(complain);
	connection.onUnhandledNotification((message) => complain('unhandled', message.method));
	connection.listen();
	try {
		await body(connection, closed);
	} finally {
		connection.dispose();
	}
	assert.deepEqual(complaints, []);
}

const tasks = async (connection, tag) => (await connection.sendRequest('task.list', { tag })).tasks;

check('arguments by position, by name, and none', () =>
	with_connection(async (connection) => {
		assert.equal(await connection.sendRequest('fib', 20), 6765);
		assert.equal(await connection.sendRequest('fib', { n: 20 }), 6765);
		assert.equal(await connection.sendRequest('noop'), null);
		assert.deepEqual(await connection.sendRequest('echo', 1, [2], { three: 3 }), [1, [2], { three: 3 }]);
		assert.deepEqual(await connection.sendRequest('echo', rpc.ParameterStructures.byPosition, { x: 1 }), { x: 1 });
	}),
);

check('typed requests', () =>
	with_connection(async (connection) => {
		const fib = new rpc.RequestType('fib', rpc.ParameterStructures.byName);
		assert.equal(await connection.sendRequest(fib, { n: 10 }), 55);
		const info = await connection.sendRequest(new rpc.RequestType0('server.info'));
		assert.equal(info.name, 'taskd');
		assert.deepEqual(await connection.sendRequest(new rpc.RequestType2('echo'), 'a', 'b'), ['a', 'b']);
	}),
);

check('a thousand at once on one connection', () =>
	with_connection(async (connection) => {
		const numbers = Array.from({ length: 1000 }, (_, i) => i);
		assert.deepEqual(await Promise.all(numbers.map((n) => connection.sendRequest('echo', n))), numbers);
		assert.ok(!connection.hasPendingResponse());
	}),
);

check('errors with code, message and data', () =>
	with_connection(async (connection) => {
		let error = await rejection(connection.sendRequest('fail', 1234, 'no luck', { tries: [1, 2] }));
		assert.ok(error instanceof rpc.ResponseError);
		assert.equal(error.code, 1234);
		assert.equal(error.message, 'no luck');
		assert.equal(error.data.kind, 'failed');
		assert.deepEqual(error.data.data, { tries: [1, 2] });
		error = await rejection(connection.sendRequest('task.cal', {}));
		assert.equal(error.code, rpc.ErrorCodes.MethodNotFound);
		assert.equal(error.data.did_you_mean, 'task.call');
		error = await rejection(connection.sendRequest('fib', 'no number'));
		assert.equal(error.code, rpc.ErrorCodes.InvalidParams);
		error = await rejection(connection.sendRequest('abort'));
		assert.equal(error.data.signal_name, 'SIGABRT');
		assert.equal(await connection.sendRequest('fib', 10), 55);
	}),
);

check('a token cancels a task that runs, and no other', () =>
	with_connection(async (connection) => {
		const source = new rpc.CancellationTokenSource();
		const other = connection.sendRequest('sleep', 0.3);
		const call = { task: 'sleep', args: [600], tag: 'vscode-running' };
		const cancelled = rejection(connection.sendRequest('task.call', call, source.token));
		await until(() => tasks(connection, 'vscode-running'), ([task]) => task && task.state === 'running');
		source.cancel();
		const error = await cancelled;
		assert.equal(error.code, -32003);
		assert.equal(error.data.kind, 'cancelled');
		assert.equal((await connection.sendRequest('task.status', { id: error.data.id })).state, 'cancelled');
		assert.equal(await other, null);
	}),
);

check('a token cancels tasks that are queued', () =>
	with_connection(async (connection) => {
		const source = new rpc.CancellationTokenSource();
		const sleeps = Array.from({ length: 20 }, () => rejection(connection.sendRequest('sleep', 600, source.token)));
		source.cancel();
		for (const error of await Promise.all(sleeps))
			assert.equal(error.data.kind, 'cancelled');
	}),
);

check('a token that is cancelled already', () =>
	with_connection(async (connection) => {
		const error = await rejection(connection.sendRequest('sleep', 600, rpc.CancellationToken.Cancelled));
		assert.equal(error.data.kind, 'cancelled');
	}),
);

check('a token ends a wait, and the task goes on', () =>
	with_connection(async (connection) => {
		const source = new rpc.CancellationTokenSource();
		const { id } = await connection.sendRequest('task.submit', { task: 'sleep', args: [600] });
		const waiting = rejection(connection.sendRequest('task.result', { id }, source.token));
		source.cancel();
		assert.equal((await waiting).code, -32003);
		assert.notEqual((await connection.sendRequest('task.status', { id })).state, 'cancelled');
		await connection.sendRequest('task.cancel', { ids: id });
	}),
);

check('a token that comes too late changes nothing', () =>
	with_connection(async (connection) => {
		const source = new rpc.CancellationTokenSource();
		assert.equal(await connection.sendRequest('fib', 10, source.token), 55);
		source.cancel();
		await connection.sendNotification('$/cancelRequest', { id: 0 });
		await connection.sendNotification('$/cancelRequest', { id: 12345 });
		assert.equal(await connection.sendRequest('fib', 11), 89);
	}),
);

check('a token reaches all tasks of a map', () =>
	with_connection(async (connection) => {
		const source = new rpc.CancellationTokenSource();
		const map = { task: 'sleep', items: [600, 600, 600, 600], tag: 'vscode-map' };
		const cancelled = rejection(connection.sendRequest('task.map', map, source.token));
		await until(() => tasks(connection, 'vscode-map'), (found) => found.some(({ state }) => state === 'running'));
		source.cancel();
		assert.equal((await cancelled).data.kind, 'cancelled');
		const found = await tasks(connection, 'vscode-map');
		assert.deepEqual(found.map(({ state }) => state), ['cancelled', 'cancelled', 'cancelled', 'cancelled']);
	}),
);

check('task.finished is a notification', () =>
	with_connection(async (connection) => {
		const finished = [];
		const told = new Promise((resolve) => {
			connection.onNotification('task.finished', (record) => {
				if (finished.push(record) === 2)
					resolve();
			});
		});
		const good = await connection.sendRequest('task.submit', { task: 'fib', args: [20], watch: true });
		const bad = await connection.sendRequest('task.submit', { task: 'fail', args: [9], watch: true });
		await told;
		const by = Object.fromEntries(finished.map((record) => [record.id, record]));
		assert.equal(by[good.id].state, 'succeeded');
		assert.equal(by[good.id].result, 6765);
		assert.equal(by[bad.id].state, 'failed');
		assert.equal(by[bad.id].error.code, 9);
	}),
);

check('notifications: a task, and those of the library that taskd does not know', () =>
	with_connection(async (connection) => {
		await connection.sendNotification('task.submit', { task: 'fib', args: [15], tag: 'vscode-notified' });
		await connection.trace(rpc.Trace.Messages, { log() {} }, { sendNotification: true });
		await connection.sendProgress(new rpc.ProgressType(), 'token', { percent: 50 });
		const [task] = await until(() => tasks(connection, 'vscode-notified'), ([task]) => task?.state === 'succeeded');
		assert.equal(await connection.sendRequest('task.result', { id: task.id }), 610);
	}),
);

check('text of many bytes a letter, megabytes of it', () =>
	with_connection(async (connection) => {
		const text = 'äß€𝄞\u2028"\\\r\n'.repeat(300000);
		assert.equal(await connection.sendRequest('echo', text), text);
	}),
);

check('half-closed: all that is outstanding is answered, then the daemon closes', () =>
	with_connection(async (connection, closed) => {
		const fibs = [10, 11].map((n) => connection.sendRequest('fib', n));
		const outstanding = [connection.sendRequest('sleep', 0.2), ...fibs];
		await new Promise(setImmediate); // the library writes a message a turn
		connection.end();
		assert.deepEqual(await Promise.all(outstanding), [null, 55, 89]);
		await closed;
	}),
);

check('closed altogether: its tasks are cancelled', async () => {
	await with_connection(async (connection) => {
		const call = connection.sendRequest('task.call', { task: 'sleep', args: [600], tag: 'vscode-gone' });
		call.catch(() => {}); // dispose rejects it
		await until(() => tasks(connection, 'vscode-gone'), (found) => found.length > 0);
	});
	await with_connection((connection) =>
		until(() => tasks(connection, 'vscode-gone'), ([task]) => task.state === 'cancelled'),
	);
});

run('vscode-jsonrpc');
