// Judges and makes signatures with the libraries that receivers in JavaScript use. Reads cases as JSON, prints answers.
import { createHmac, timingSafeEqual } from "node:crypto";
import { Webhooks, createWebMiddleware } from "@octokit/webhooks";
import { sign as octokitSign, verify as octokitVerify } from "@octokit/webhooks-methods";
import { Webhook as StandardWebhook } from "standardwebhooks";
import Stripe from "stripe";
import { Webhook as SvixWebhook } from "svix";

const stripe = new Stripe("sk_test_nothing_is_sent");
const at = (seconds) => new Date(seconds * 1000);

const standard = (Library) => ({
  verify: ({ secret, headers, body }) => {
    new Library(secret).verify(body, headers); // throws what it refuses
    return true;
  },
  sign: ({ secret, id, timestamp, body }) => new Library(secret).sign(id, at(timestamp), body),
});

// As the providers' own documentation tells receivers to do it.
const documented = (header, algorithm, encoding) => ({
  verify: ({ secret, headers, body }) => {
    const expected = Buffer.from(createHmac(algorithm, secret).update(body).digest(encoding));
    const given = Buffer.from(headers[header] ?? "");
    return expected.length === given.length && timingSafeEqual(expected, given);
  },
  sign: ({ secret, body }) => createHmac(algorithm, secret).update(body).digest(encoding),
});

const log = { debug() {}, info() {}, warn() {}, error() {} };

// What GitHub's own middleware answers to a whole request, and the event that it hands on.
async function asReceived({ secret, headers, body }) {
  const webhooks = new Webhooks({ secret, log });
  let heard = null;
  webhooks.onAny(({ id, name }) => void (heard = { id, name }));
  const request = new Request("http://localhost/hook", { method: "POST", headers, body });
  const answer = await createWebMiddleware(webhooks, { path: "/hook", log })(request);
  return { status: answer.status, heard };
}

const LIBRARIES = {
  "npm @octokit/webhooks, middleware": { receive: asReceived },
  "npm standardwebhooks": standard(StandardWebhook),
  "npm svix": standard(SvixWebhook),
  "npm stripe": {
    verify: ({ secret, headers, body }) =>
      Boolean(stripe.webhooks.constructEvent(body, headers["stripe-signature"] ?? "", secret)),
    sign: ({ secret, timestamp, body }) =>
      stripe.webhooks.generateTestHeaderString({ payload: body, secret, timestamp }),
  },
  "npm @octokit/webhooks-methods": {
    verify: ({ secret, headers, body }) => octokitVerify(secret, body, headers["x-hub-signature-256"] ?? ""),
    sign: ({ secret, body }) => octokitSign(secret, body),
  },
  "node crypto, paystack": documented("x-paystack-signature", "sha512", "hex"),
  "node crypto, intuit": documented("intuit-signature", "sha256", "base64"),
  "node crypto, shopify": documented("x-shopify-hmac-sha256", "sha256", "base64"),
};

async function answer({ library, action, ...given }) {
  try {
    return await LIBRARIES[library][action](given);
  } catch (error) {
    return `${error.constructor.name}: ${error.message}`.slice(0, 200);
  }
}

let text = "";
for await (const chunk of process.stdin) text += chunk;
process.stdout.write(JSON.stringify(await Promise.all(JSON.parse(text).map(answer))));
