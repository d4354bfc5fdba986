// json-rpc-2.0: knows no transport; its user gives it one. Here that is a connection with one JSON value a line. Ids are
// 1, 2, 3, … unless one says otherwise, and replies are told apart by them alone.
'use strict';

const assert = require('node:assert/strict');
const net = require('node:net');
const { JSONRPCClient, JSONRPCErrorException, JSONRPCServer, JSONRPCServerAndClient } = require('json-rpc-2.0');
const { createJSONRPCNotification, createJSONRPCRequest } = require('json-rpc-2.0');
const { check, path, rejection, run, until } = require('./check');

// Calls receive with every value that comes.
function connect(receive) {
	const socket = net.connect({ path });
	let rest = '';
	socket.setEncoding('utf8');
	socket.on('data', (text) => {
		const lines = (rest + text).split('\n');
		rest = lines.pop();
		lines.forEach((line) => receive(JSON.parse(line)));
	});
	socket.closed_by_daemon = new Promise((resolve) => socket.on('end', resolve));
	return socket;
}

// Runs body with a client, and closes its connection.
async function with_client(body, create_id) {
	const socket = connect((message) => client.receive(message));
	const client = new JSONRPCClient((request) => void socket.write(`${JSON.stringify(request)}\n`), create_id);
	try {
		await body(client, socket);
	} finally {
		socket.destroy();
	}
}

// The same with a client that can be called, too.
async function with_both(body) {
	const complaints = [];
	const socket = connect((message) => both.receiveAndSend(message).catch((error) => complaints.push(error)));
	const both = new JSONRPCServerAndClient(
		new JSONRPCServer({ errorListener: (...said) => complaints.push(said) }),
		new JSONRPCClient((request) => void socket.write(`${JSON.stringify(request)}\n`)),
		{ errorListener: (...said) => complaints.push(said) },
	);
	try {
		await body(both);
	} finally {
		socket.destroy();
	}
	assert.deepEqual(complaints, []);
}

check('arguments by position, by name, and none', () =>
	with_client(async (client) => {
		assert.equal(await client.request('fib', [20]), 6765);
		assert.equal(await client.request('fib', { n: 20 }), 6765);
		assert.equal(await client.request('noop'), null);
	}),
);

check('ids of its own', async () => {
	for (const id of [0, 1.5, 'a', 'ключ "\\\n', Number.MAX_SAFE_INTEGER])
		await with_client(async (client) => assert.equal(await client.request('fib', [10]), 55), () => id);
});

check('a thousand at once on one connection', () =>
	with_client(async (client) => {
		const numbers = Array.from({ length: 1000 }, (_, i) => i);
		assert.deepEqual(await Promise.all(numbers.map((n) => client.request('echo', [n]))), numbers);
	}),
);

check('a short one overtakes a long one', () =>
	with_client(async (client) => {
		const order = [];
		const long = client.request('sleep', [600]).catch((error) => order.push(error.data.kind));
		await client.request('fib', [10]).then(() => order.push('short'));
		await client.request('task.cancel', { call: 1 });
		await long;
		assert.deepEqual(order, ['short', 'cancelled']);
	}),
);

check('errors with code, message and data', () =>
	with_client(async (client) => {
		let error = await rejection(client.request('fail', [1234, 'no luck', { tries: [1, 2] }]));
		assert.ok(error instanceof JSONRPCErrorException);
		assert.equal(error.code, 1234);
		assert.equal(error.message, 'no luck');
		assert.equal(error.data.kind, 'failed');
		assert.deepEqual(error.data.data, { tries: [1, 2] });
		error = await rejection(client.request('fip', [1]));
		assert.equal(error.code, -32601);
		assert.equal(error.data.did_you_mean, 'fib');
		error = await rejection(client.request('task.submit', { task: 'fib', prioriti: 1 }));
		assert.equal(error.code, -32602);
		error = await rejection(client.request('abort'));
		assert.equal(error.data.signal_name, 'SIGABRT');
		assert.equal(await client.request('fib', [10]), 55);
	}),
);

check('a batch, with an error and a notification in it', () =>
	with_client(async (client) => {
		const responses = await client.requestAdvanced([
			createJSONRPCRequest('a', 'fib', [10]),
			createJSONRPCNotification('task.submit', { task: 'noop', tag: 'json-rpc-2.0-in-batch' }),
			createJSONRPCRequest('b', 'nope'),
			createJSONRPCRequest('c', 'sleep', [0.05]),
		]);
		assert.deepEqual(responses.map(({ id }) => id), ['a', 'b', 'c']);
		assert.equal(responses[0].result, 55);
		assert.equal(responses[1].error.code, -32601);
		assert.equal(responses[2].result, null);
		await until(
			() => client.request('task.list', { tag: 'json-rpc-2.0-in-batch' }),
			({ tasks: [task] }) => task && task.state === 'succeeded',
		);
	}),
);

check('batches between single requests', () =>
	with_client(async (client) => {
		const batch = (name) =>
			client.requestAdvanced([0, 1, 2].map((i) => createJSONRPCRequest(`${name}${i}`, 'echo', [`${name}${i}`])));
		const [x, one, y, two] = await Promise.all([
			batch('x'), client.request('fib', [10]), batch('y'), client.request('fib', [11]),
		]);
		assert.deepEqual([...x, ...y].map(({ result }) => result), ['x0', 'x1', 'x2', 'y0', 'y1', 'y2']);
		assert.deepEqual([one, two], [55, 89]);
	}),
);

check('a notification is queued, unanswered, and its outcome kept', () =>
	with_both(async (both) => {
		both.notify('task.submit', { task: 'fib', args: [15], tag: 'json-rpc-2.0-notified' });
		both.notify('nope', [1]);
		both.notify('$/whatever');
		const { tasks } = await until(
			() => both.request('task.list', { tag: 'json-rpc-2.0-notified' }),
			({ tasks: [task] }) => task && task.state === 'succeeded',
		);
		assert.equal(await both.request('task.result', { id: tasks[0].id }), 610);
	}),
);

check('task.finished calls its method, once for each task watched', () =>
	with_both(async (both) => {
		const finished = [];
		const told = new Promise((resolve) => {
			both.addMethod('task.finished', (record) => {
				if (finished.push(record) === 3)
					resolve();
			});
		});
		const ids = [];
		for (const args of [[10], [11], ['no number']])
			ids.push((await both.request('task.submit', { task: 'fib', args, watch: true })).id);
		await both.request('task.submit', { task: 'fib', args: [12] });
		await told;
		await both.request('task.wait', { ids });
		const by = Object.fromEntries(finished.map((record) => [record.id, record]));
		assert.equal(finished.length, 3);
		assert.equal(by[ids[0]].result, 55);
		assert.equal(by[ids[1]].result, 89);
		assert.equal(by[ids[2]].state, 'failed');
		assert.equal(by[ids[2]].error.data.kind, 'invalid_params');
	}),
);

check('its own time limit leaves the connection in use', () =>
	with_client(async (client) => {
		const error = await rejection(client.timeout(20).request('sleep', [600]));
		assert.equal(error.message, 'Request timeout');
		await client.request('task.cancel', { call: 1 });
		assert.equal(await client.request('fib', [10]), 55);
	}),
);

check('half-closed: all that is outstanding is answered, then the daemon closes', () =>
	with_client(async (client, socket) => {
		const outstanding = [client.request('sleep', [0.2]), ...[10, 11, 12].map((n) => client.request('fib', [n]))];
		await new Promise((resolve) => setImmediate(resolve));
		socket.end();
		assert.deepEqual(await Promise.all(outstanding), [null, 55, 89, 144]);
		await socket.closed_by_daemon;
	}),
);

check('text of many bytes a letter, megabytes of it', () =>
	with_client(async (client) => {
		const text = 'äß€𝄞\u2028"\\'.repeat(300000);
		assert.equal(await client.request('echo', [text]), text);
	}),
);

run('json-rpc-2.0');
