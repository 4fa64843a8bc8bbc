// The same for node: every program that inherits NODE_OPTIONS=--require with this file.
"use strict";
const dns = require("node:dns");
const net = require("node:net");
const dgram = require("node:dgram");

const here = (host) =>
  host === undefined || ["", "localhost", "::1", "0.0.0.0", "::"].includes(host) || /^(::ffff:)?127[.0-9]*$/.test(host);
const refused = (host) =>
  Object.assign(new Error(`the tests reach loopback only, not ${host}`), { code: "ENETUNREACH" });

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...given) {
  const first = Array.isArray(given[0]) ? given[0][0] : given[0]; // net.connect normalises what it is given
  const options = typeof first === "object" && first !== null ? first : { port: first, host: given[1] };
  if (options.path === undefined && !here(options.host)) {
    process.nextTick(() => this.destroy(refused(options.host)));
    return this;
  }
  return connect.apply(this, given);
};
const send = dgram.Socket.prototype.send;
dgram.Socket.prototype.send = function (...given) {
  const host = given.find((one) => typeof one === "string" && net.isIP(one)) ?? given.at(-2);
  if (typeof host === "string" && !here(host)) throw refused(host);
  return send.apply(this, given);
};
for (const owner of [dns, dns.promises]) {
  for (const name of Object.keys(owner).filter((one) => /^(lookup|resolve|reverse)/.test(one))) {
    const plain = owner[name];
    owner[name] = function (host, ...rest) {
      if (here(host) || net.isIP(host)) return plain.call(this, host, ...rest);
      const error = Object.assign(refused(host), { code: "ENOTFOUND" });
      const answer = rest.at(-1);
      if (owner === dns && typeof answer === "function") return process.nextTick(answer, error);
      return Promise.reject(error);
    };
  }
}
