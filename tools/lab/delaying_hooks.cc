// A hook library for the lab. It makes hook points slow, throws at one, or parks packets, so that the
// monitor's report can be compared with the known cause.
//
// Parameters: "sleep": milliseconds to sleep, by name of the hook point; "burn_us": microseconds of CPU to take.
// "while": name of a file; it sleeps and burns only while that exists. "point": name of the hook point for the others. "throw": true
// throws std::runtime_error. "park": milliseconds after which another thread lets the packet continue
// (leases4_committed and leases6_committed only). "drop": true drops the packet.

#include <chrono>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>

#include <unistd.h>

#include <cc/data.h>
#include <dhcp/pkt4.h>
#include <dhcp/pkt6.h>
#include <hooks/hooks.h>

using isc::hooks::CalloutHandle;
using isc::hooks::LibraryHandle;

namespace {

std::map<std::string, long> sleeps_ms;
std::map<std::string, long> burns_us;
std::string delays_while;
std::string point;
long park_ms = 0;
bool throws = false;
bool drops = false;

long number(LibraryHandle& handle, const std::string& name) {
    const auto value = handle.getParameter(name);
    return value ? value->intValue() : 0;
}

std::string text(LibraryHandle& handle, const std::string& name) {
    const auto value = handle.getParameter(name);
    return value ? value->stringValue() : "";
}

bool flag(LibraryHandle& handle, const std::string& name) {
    const auto value = handle.getParameter(name);
    return value && value->boolValue();
}

void learn(LibraryHandle& handle, const std::string& name, std::map<std::string, long>& delays) {
    delays.clear();
    const auto given = handle.getParameter(name);
    if (!given) return;
    for (const auto& [here, time] : given->mapValue()) delays[here] = time->intValue();
}

void pause(long milliseconds) {
    std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

template <typename PacketPtr>
void park(const char* argument, CalloutHandle& handle) {
    PacketPtr query;
    handle.getArgument(argument, query);
    auto lot = handle.getParkingLotHandlePtr();
    lot->reference(query);
    handle.setStatus(CalloutHandle::NEXT_STEP_PARK);
    std::thread([query, lot] {
        pause(park_ms);
        lot->unpark(query);
    }).detach();
}

// Takes CPU time: unlike a sleep, it leaves the caches of what runs after it as they were.
void burn(long microseconds) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(microseconds);
    while (std::chrono::steady_clock::now() < end) {}
}

void delay(const std::string& here) {
    const auto sleep = sleeps_ms.find(here);
    const auto cpu = burns_us.find(here);
    if (sleep == sleeps_ms.end() && cpu == burns_us.end()) return;
    if (!delays_while.empty() && access(delays_while.c_str(), F_OK) != 0) return;
    if (sleep != sleeps_ms.end()) pause(sleep->second);
    if (cpu != burns_us.end()) burn(cpu->second);
}

int pass(const std::string& here, CalloutHandle& handle) {
    delay(here);
    if (here != point) return 0;
    if (throws) throw std::runtime_error("as asked for");
    if (drops) handle.setStatus(CalloutHandle::NEXT_STEP_DROP);
    if (park_ms > 0) {
        if (here == "leases4_committed") park<isc::dhcp::Pkt4Ptr>("query4", handle);
        if (here == "leases6_committed") park<isc::dhcp::Pkt6Ptr>("query6", handle);
    }
    return 0;
}

int after_command(CalloutHandle& handle) { return pass("command_processed", handle); }

}  // namespace

extern "C" {

int version() { return KEA_HOOKS_VERSION; }
int multi_threading_compatible() { return 1; }

int load(LibraryHandle& handle) {
    point = text(handle, "point");
    delays_while = text(handle, "while");
    learn(handle, "sleep", sleeps_ms);
    learn(handle, "burn_us", burns_us);
    park_ms = number(handle, "park");
    throws = flag(handle, "throw");
    drops = flag(handle, "drop");
    // Commands are no packets: only a test that asks for it has this one.
    if (sleeps_ms.count("command_processed") > 0) {
        handle.registerCallout("command_processed", after_command);
    }
    return 0;
}

int unload() { return 0; }

int buffer4_receive(CalloutHandle& handle) { return pass("buffer4_receive", handle); }
int pkt4_receive(CalloutHandle& handle) { return pass("pkt4_receive", handle); }
int host4_identifier(CalloutHandle& handle) { return pass("host4_identifier", handle); }
int subnet4_select(CalloutHandle& handle) { return pass("subnet4_select", handle); }
int lease4_select(CalloutHandle& handle) { return pass("lease4_select", handle); }
int leases4_committed(CalloutHandle& handle) { return pass("leases4_committed", handle); }
int pkt4_send(CalloutHandle& handle) { return pass("pkt4_send", handle); }
int buffer4_send(CalloutHandle& handle) { return pass("buffer4_send", handle); }

int buffer6_receive(CalloutHandle& handle) { return pass("buffer6_receive", handle); }
int pkt6_receive(CalloutHandle& handle) { return pass("pkt6_receive", handle); }
int subnet6_select(CalloutHandle& handle) { return pass("subnet6_select", handle); }
int host6_identifier(CalloutHandle& handle) { return pass("host6_identifier", handle); }
int lease6_select(CalloutHandle& handle) { return pass("lease6_select", handle); }
int leases6_committed(CalloutHandle& handle) { return pass("leases6_committed", handle); }
int pkt6_send(CalloutHandle& handle) { return pass("pkt6_send", handle); }
int buffer6_send(CalloutHandle& handle) { return pass("buffer6_send", handle); }

}
