// What the scripts of the tests may use beside `io`, which is the stock bundle's.

// Resolves with what the next such event brings: its one argument, or a list of several.
function once(emitter, event) {
  return new Promise((resolve) => emitter.once(event, (...args) => resolve(args.length > 1 ? args : args[0])));
}

// Resolves when a socket is in; rejects with the reason when it is refused.
function connected(socket) {
  return new Promise((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("connect_error", reject);
  });
}

// Keeps all events of a socket in their order; `next(name)` takes the first of that name that nobody has taken, or waits.
function follow(socket) {
  const seen = [];
  const waiting = [];
  const note = (name, args) => {
    const index = waiting.findIndex((one) => one.name === name);
    if (index < 0) seen.push({ name, args });
    else waiting.splice(index, 1)[0].resolve(args);
  };
  for (const name of ["connect", "connect_error", "disconnect"]) socket.on(name, (...args) => note(name, args));
  socket.onAny((name, ...args) => note(name, args));
  return {
    names: () => seen.map((one) => one.name),
    next(name) {
      const index = seen.findIndex((one) => one.name === name);
      if (index >= 0) return Promise.resolve(seen.splice(index, 1)[0].args);
      return new Promise((resolve) => waiting.push({ name, resolve }));
    },
  };
}

// Resolves when a socket that began with polling has moved to WebSocket.
async function upgraded(socket) {
  const { engine } = socket.io;
  if (engine.transport.name !== "websocket") await once(engine, "upgrade");
}

// The bytes of whatever holds some.
async function bytesOf(value) {
  return [...new Uint8Array(await new Blob([value]).arrayBuffer())];
}
