// Connections that break in the middle, as networks do.
import { connect, createServer } from 'node:net'

/** Passes connections on to a server, and cuts the first `cuts` of them, once each has carried `mark` to the client. */
export async function startCuttingProxy(target, mark, cuts) {
  const { hostname, port } = new URL(target)
  let cutCount = 0
  const server = createServer(client => {
    const upstream = connect({ host: hostname, port })
    const end = () => {
      client.destroy()
      upstream.destroy()
    }
    let text = ''
    client.on('data', chunk => upstream.write(chunk))
    upstream.on('data', chunk => {
      text += chunk.toString('latin1')
      const isCut = cutCount < cuts && text.includes(mark)
      if (isCut) cutCount += 1
      client.write(chunk, () => isCut && end())
    })
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end)
  })
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    get cutCount() {
      return cutCount
    },
    close: () => server.close(),
  }
}
