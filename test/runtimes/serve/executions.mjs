// The two ways of answering, for the platforms whose server takes a function.
import { createHandler, handleWorkflowRequest } from 'dagstream/http'
import { options, workflow } from './options.mjs'

/** Holds executions. */
export const handler = createHandler(options)

/** Holds none. */
export function answer(request) {
  const input = { ms: Number(new URL(request.url).searchParams.get('ms')) }
  return handleWorkflowRequest(request, workflow, { tools: options.tools, input })
}

/** Tells the suite where a server listens, in the form that workerd has. */
export function announce(socket, port) {
  console.log(JSON.stringify({ event: 'listen', socket, port }))
}
