// Real sockets: TLS through a tunnel.
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Agent, buildConnector, request } from 'undici'
import { expect, onTestFinished, test } from 'vitest'
import { proxied } from '../../../src/integrations/http/connect/proxied-connector.ts'
import { createCertificate } from '../../readers/certificate.ts'
import { findProgram } from '../../readers/programs.ts'
import { startProxy } from '../../tools/proxy-server.ts'

const openssl = findProgram('openssl', 'openssl')

test.skipIf(openssl.isMissing)('the certificate is checked for the target, not for the proxy', async () => {
  const { key, cert } = createCertificate(openssl.path)
  const server = createServer({ key, cert }, (_request, response) => response.end('hello'))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const proxy = await startProxy()
  const connect = buildConnector({ ca: cert.toString() })
  const agent = new Agent({ connect: proxied(connect, connect, () => ({ HTTPS_PROXY: proxy.url })) })
  onTestFinished(() => agent.destroy())
  const answer = await request(`https://localhost:${port}/`, { dispatcher: agent })
  expect(await answer.body.text()).toBe('hello')
  await expect(request(`https://other.internal:${port}/`, { dispatcher: agent })).rejects.toMatchObject({
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  })
  expect(proxy.targets).toEqual([`localhost:${port}`, `other.internal:${port}`])
})
