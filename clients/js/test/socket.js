// Node 20 has a WebSocket, but keeps it behind a flag, which run.js gives. It is taken away here, so that only those tests have
// one that ask for it.
export const Socket = globalThis.WebSocket;
delete globalThis.WebSocket;
