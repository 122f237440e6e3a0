import { announce, answer, handler } from './executions.mjs'

announce('executions', Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: handler.fetch }).port)
announce('stateless', Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: answer }).port)
