export * from './types.js'; export * from './schema.js'; export * from './error.js'
