import { serve } from 'dagstream/http/node'
import { announce, answer, handler } from './executions.mjs'

announce('executions', (await serve(handler, { port: 0 })).port)
announce('stateless', (await serve({ fetch: answer, close: async () => {} }, { port: 0 })).port)
