// What the checks of the clients share: each is a name and an async function, and has a minute. Prints "ok CLIENT: NAME"
// or "not ok CLIENT: NAME" for each; tests/integration/clients/run counts them.
'use strict';

const MINUTE_MS = 60000;
const checks = [];
let current = 'the checks were run';

// Where the daemon is.
exports.path = process.env.TASKD_SOCKET;

exports.check = (name, body) => checks.push({ name, body });

async function bounded(promise) {
	let timer;
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error('no end within a minute')), MINUTE_MS);
	});
	try {
		await Promise.race([promise, late]);
	} finally {
		clearTimeout(timer);
	}
}

function failed(client, name, error) {
	console.log(`not ok ${client}: ${name}`);
	console.log(String(error.stack || error).replace(/^/gm, '# '));
	process.exitCode = 1;
}

// Runs them one after the other. A check that neither ends nor leaves node anything to wait for is seen at the exit.
exports.run = async (client) => {
	process.on('exit', () => {
		if (current)
			failed(client, current, 'node had nothing left to wait for');
	});
	for (const { name, body } of checks) {
		current = name;
		try {
			await bounded(body());
			console.log(`ok ${client}: ${name}`);
		} catch (error) {
			failed(client, name, error);
		}
	}
	current = null;
};

// Asks again until the answer is as it should be. check's minute is the bound.
exports.until = async (ask, good) => {
	for (;;) {
		const answer = await ask();
		if (good(answer))
			return answer;
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
};

// The error that a promise is rejected with; that it is not rejected is a failure.
exports.rejection = (promise) =>
	promise.then(
		(value) => {
			throw new Error(`this should have failed, and gave ${JSON.stringify(value)}`);
		},
		(error) => error,
	);
