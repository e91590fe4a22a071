/** `npm start`: set-up, then the whole cluster on loopback with a first transfer and a first chat line. */
process.argv.splice(2, 0, 'up', '--demo', '--local-clients');
await import('./run.mjs');
