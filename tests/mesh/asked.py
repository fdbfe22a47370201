"""What a question names as its B, in the tool's words and as a client dials it."""

import kubelet


class Asked:
    """Has `to`; {name} in it stands for the address of a pod whose name begins so."""

    @property
    def asked(self):
        """B as the tool is asked for it."""
        return self.to.format_map(_Addresses())

    @property
    def host(self):
        return self.asked.rpartition(":")[0]

    @property
    def port(self):
        return int(self.asked.rpartition(":")[2])


class _Addresses(dict):
    def __missing__(self, name):
        return kubelet.named(name)["address"]
