import assert from "node:assert/strict";
import { containing, named } from "../../../discovery/code/function_list.ts";

const UNPACK = "isc::dhcp::Pkt4::unpack()";
const LABEL = "isc::dhcp::Pkt4::getLabel[abi:cxx11]() const";
const TEMPLATE = "void isc::dhcp::Option::pack<unsigned char>(isc::dhcp::Pkt4::unpack, int)";
const ALLOCATOR =
  "std::vector<isc::dhcp::Pkt4, std::allocator<isc::dhcp::Pkt4> >::push_back(isc::dhcp::Pkt4 const&)";
const CALL = "std::function<void ()>::operator()() const";

Deno.test("named() finds a function by its whole name, its last parts, or with parameters", () => {
  for (const name of ["isc::dhcp::Pkt4::unpack", "Pkt4::unpack", "unpack", UNPACK]) {
    assert.ok(named(name)(UNPACK, []), name);
  }
  assert.ok(named("Pkt4::getLabel")(LABEL, []));
  assert.ok(named("isc::dhcp::Option::pack")(TEMPLATE, []));
  assert.ok(named("operator()")(CALL, []));
});

Deno.test("named() does not find a part of a name, nor names in parameters", () => {
  assert.ok(!named("kt4::unpack")(UNPACK, []));
  assert.ok(!named("Pkt4::unpac")(UNPACK, []));
  assert.ok(!named("Pkt4::unpack")(TEMPLATE, []));
});

Deno.test("containing() looks at a function's own name, in upper or lower case", () => {
  assert.ok(containing("pkt4::UN")(UNPACK, []));
  assert.ok(containing("push")(ALLOCATOR, []));
  assert.ok(!containing("alloc")(ALLOCATOR, []));
});

Deno.test("containing() looks at mangled names for _Z, and at all words for a bracket", () => {
  assert.ok(containing("_ZN3isc")(UNPACK, ["_ZN3isc4dhcp4Pkt46unpackEv"]));
  assert.ok(!containing("_ZN3ISC")(UNPACK, ["_ZN3isc4dhcp4Pkt46unpackEv"]));
  assert.ok(containing("allocator<isc")(ALLOCATOR, []));
});
