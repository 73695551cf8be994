// Node's passport-http-oauth and connect-auth: say of any request whether they find it signed.
'use strict'

const http = require('http')
const { createRequire } = require('module')
const querystring = require('querystring')

// The packages are installed outside of the tree.
const installed = createRequire(`${process.env.NODE_PACKAGES}/`)
const passport = installed('passport-http-oauth')
const { OAuthServices } = installed('connect-auth/lib/auth.strategies/oauth/_oauthservices')

const { CONSUMER_KEY, CONSUMER_SECRET, TOKEN, TOKEN_SECRET } = process.env

const consumer = (key, done) => done(null, key === CONSUMER_KEY && { key }, CONSUMER_SECRET)
const token = (key, done) => done(null, key === TOKEN && { key }, TOKEN_SECRET)
const requestToken = (key, done) => done(null, TOKEN_SECRET, { key })
const strategies = {
  '/consumer': new passport.ConsumerStrategy(consumer, requestToken),
  '/token': new passport.TokenStrategy(consumer, token)
}

function byPassport (request, answer) {
  const strategy = Object.create(strategies[request.path])
  strategy.success = () => answer(null)
  strategy.fail = (challenge, status) => answer(`${challenge} ${status}`)
  strategy.error = (error) => answer(String(error))
  strategy.authenticate(request)
}

const unused = (...args) => args.pop()(null, {})
const store = {
  applicationByConsumerKey: (key, done) =>
    done(key !== CONSUMER_KEY && 'unknown', { consumer_key: key, secret: CONSUMER_SECRET }),
  validToken: (key, done) =>
    done(key !== TOKEN && 'unknown', {
      access_token: key, token_secret: TOKEN_SECRET, consumer_key: CONSUMER_KEY
    }),
  validateNotReplay: unused,
  userIdByToken: (key, done) => done(null, { id: 1 })
}
for (const name of ['previousRequestToken', 'authenticateUser', 'generateRequestToken',
  'generateAccessToken', 'cleanRequestTokens', 'associateTokenToUser', 'tokenByTokenAndVerifier',
  'tokenByConsumer']) {
  store[name] = unused
}
const services = { '/consumer': new OAuthServices(store, 2), '/token': new OAuthServices(store, 3) }

function byConnectAuth (request, answer) {
  services[request.path].authorize(request, 'http', (error) => answer(error && String(error.message || error)))
}

const server = http.createServer((request, response) => {
  const chunks = []
  request.on('data', (chunk) => chunks.push(chunk))
  request.on('end', () => {
    const isForm = /^application\/x-www-form-urlencoded/i.test(request.headers['content-type'])
    const [path, query] = request.url.split('?')
    request.path = path
    request.originalUrl = request.url
    request.query = querystring.parse(query || '')
    request.body = isForm ? querystring.parse(Buffer.concat(chunks).toString()) : {}
    const verifiers = { 'passport-http-oauth': byPassport, 'connect-auth': byConnectAuth }
    const problems = {}
    for (const [name, verify] of Object.entries(verifiers)) {
      verify(request, (problem) => { problems[name] = problem })
    }
    response.setHeader('Problems', JSON.stringify(problems))
    response.end()
  })
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
