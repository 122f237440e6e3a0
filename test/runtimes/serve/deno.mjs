import { announce, answer, handler } from './executions.mjs'

const listen = (socket, fetch) =>
  Deno.serve({ hostname: '127.0.0.1', port: 0, onListen: ({ port }) => announce(socket, port) }, request =>
    fetch(request),
  )

listen('executions', handler.fetch)
listen('stateless', answer)
